# One image for both services; the command says which one runs.
FROM python:3.13-slim AS build
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

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
 && install -d -o app -g app -m 0750 /data
COPY --from=build /opt/app /opt/app
ENV PATH=/opt/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER app
WORKDIR /
CMD ["audit-service", "run"]
