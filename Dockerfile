# One image for both services; the command says which one runs.
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python -m venv /opt/app
COPY constraints-runtime.txt ./
RUN /opt/app/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes -r constraints-runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY service_kit service_kit
COPY user_service user_service
COPY audit_service audit_service
RUN /opt/app/bin/pip install --no-cache-dir --disable-pip-version-check \
    --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
# A volume that is mounted over one of these folders is made with its owner and mode: the data are
# for the service alone, and who is given a volume of passwords may read them.
RUN groupadd --gid 10001 app \
 && useradd --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
 && install -d -o app -g app -m 0700 /data \
 && install -d -o app -g app -m 0755 \
    /secrets/postgres /secrets/user_service /secrets/audit_owner /secrets/audit_service \
    /secrets/sink /secrets/tls
COPY --from=build /opt/app /opt/app
ENV PATH=/opt/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# By number: what runs containers can then see that it is not root.
USER 10001:10001
WORKDIR /
CMD ["audit-service", "run"]
