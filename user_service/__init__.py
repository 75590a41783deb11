"""Users, and an event for every change to one: no change without its event.

`create_app` is the only place where its parts are put together.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from flask import Flask

from service_kit import app as service_app
from service_kit import json_request
from service_kit.problems import Problem
from service_kit.settings import masked
from user_service import api, database
from user_service.admission import Admission, Busy
from user_service.delivery import Delivery
from user_service.passwords import HashingBusy, Passwords
from user_service.recording import Direct, NotRecorded
from user_service.settings import Settings
from user_service.sinks import open_sink
from user_service.store import StoreUnavailable, UserStore
from user_service.users import NoSuchUser, PasswordTooShort, Users

MEANINGS: dict[type[Exception], Callable[[Any], Problem]] = {
    NoSuchUser: api.problem_of_absence,
    PasswordTooShort: api.problem_of_password,
    NotRecorded: api.problem_of_recording,
    Busy: api.problem_of_load,
    HashingBusy: api.problem_of_load,
    StoreUnavailable: api.problem_of_store,
}


def create_app(settings: Settings) -> Flask:
    """The WSGI application, for any server.

    Raises SchemaMismatch, and the database's errors where the schema is to be migrated.
    """
    engine = database.connect(settings.database_url, threads=settings.threads)
    if settings.migrate:
        database.migrate(engine)
    database.check(engine)
    store = UserStore(engine)
    admission = Admission(settings.threads)
    delivery = Delivery(open_sink(settings.sink), threads=admission.places)
    passwords = Passwords(
        memory_kib=settings.argon2_memory_kib, iterations=settings.argon2_iterations
    )
    users = Users(
        store,
        Direct(store, delivery, settings.event_source),
        passwords,
        password_min_length=settings.password_min_length,
    )
    app = service_app.create(
        __name__,
        title="User service",
        version=version("post-cloudevents"),
        meanings=MEANINGS,
        checks={"database": store.ping},
        reports={"sink": lambda: {"url": masked(settings.sink), **delivery.report()}},
    )
    json_request.register(app, api.BODY_BYTES)
    app.register_blueprint(api.blueprint(users, admission, settings.delivery_timeout))
    app.extensions["engine"] = engine
    return app
