"""Users, and an event for every change to one: no change without its event.

`create_app` is the only place where its parts are put together.
"""

from datetime import timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

from flask import Flask

from service_kit import app as service_app
from service_kit import json_request
from user_service import api, database
from user_service.admission import Admission
from user_service.changes import ChangeStore
from user_service.delivery import Delivery
from user_service.passwords import Passwords
from user_service.problems import MEANINGS
from user_service.recording import Direct
from user_service.settings import Settings
from user_service.sinks import open_sink
from user_service.store import UserStore
from user_service.users import Users

# How long after its deadline a request may still be storing its change.
STORING_SECONDS = 15


def create_app(settings: Settings) -> Flask:
    """The WSGI application, for any server.

    Raises SchemaMismatch, and the database's errors where the schema is to be migrated.
    """
    engine = database.connect(
        settings.database_url,
        threads=settings.threads,
        password=settings.database_password.get_secret_value(),
    )
    if settings.migrate:
        database.migrate(engine)
    database.check(engine)
    store = UserStore(engine)
    changes = ChangeStore(
        engine,
        lapse=timedelta(seconds=settings.delivery_timeout + STORING_SECONDS),
        keys_kept=timedelta(hours=settings.idempotency_hours),
    )
    admission = Admission(settings.threads)
    sink = open_sink(settings)
    delivery = Delivery(sink, threads=admission.places)
    passwords = Passwords(
        memory_kib=settings.argon2_memory_kib, iterations=settings.argon2_iterations
    )
    users = Users(
        store,
        changes,
        Direct(changes, delivery, settings.event_source),
        passwords,
        password_min_length=settings.password_min_length,
    )
    app = service_app.create(
        __name__,
        title="User service",
        version=version("post-cloudevents"),
        meanings=MEANINGS,
        checks={"database": store.ping},
        reports={"sink": lambda: {"url": _origin(settings.sink), **delivery.report()}},
    )
    json_request.register(app, api.BODY_BYTES)
    app.register_blueprint(api.blueprint(users, store, admission, settings.delivery_timeout))
    app.extensions["engine"] = engine
    app.extensions["sink"] = sink
    return app


def _origin(url: str) -> str:
    """The URL without what could be secret in it: user, path and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
