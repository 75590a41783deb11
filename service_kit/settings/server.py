"""Settings of a server of HTTP: where it listens, and how much it has for its clients."""

from pydantic import Field
from pydantic_settings import BaseSettings

from service_kit.settings.bind_address import BindAddress
from service_kit.settings.hosts import AllowedHosts, HostList, allowed_hosts


class ServerSettings(BaseSettings):
    """The settings of a server."""

    bind: BindAddress = Field(
        default="127.0.0.1:8000", description="Address to listen on, `host:port`"
    )
    hosts: HostList = Field(
        default="",
        description="Host names under which it is called, without ports, with commas between "
        "them, beside `localhost`, `127.0.0.1`, `[::1]` and the one listened on; `*`: any. Unset: "
        "none but these on a loopback address, any on another",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes")
    threads: int = Field(
        # More keep the interpreter's lock from whoever delivers.
        default=2,
        ge=1,
        le=256,
        description="How many queries a worker runs at once, one of them a look-up; two at least",
    )
    max_connections: int = Field(
        default=4096,
        ge=1,
        le=60_000,
        description="The most connections that are open in a worker; past it those that are idle "
        "for the longest time are closed for new ones",
    )
    head_timeout: float = Field(
        default=10, gt=0, le=600, description="Seconds that a client has to send a request's head"
    )
    body_timeout: float = Field(
        default=60, gt=0, le=3600, description="Seconds that a client has to send a request's body"
    )
    body_rate: int = Field(
        default=1024,
        ge=0,
        le=1024**3,
        description="The fewest bytes of a body a second, after the first 10 s",
    )
    idle_timeout: float = Field(
        # Longer than the pools of usual clients keep a connection idle: the side that closes
        # first risks a reset of a request that is under way.
        default=75,
        gt=0,
        le=3600,
        description="Seconds without a request after which a connection is closed",
    )
    answer_timeout: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Seconds in which a client reads nothing of its answer, after which its "
        "connection is closed",
    )
    drain_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds after SIGTERM for which requests are still accepted, while `/readyz` "
        "is 503",
    )

    def hosts_on(self, bind: str) -> AllowedHosts:
        """The host names under which a port may be called."""
        return allowed_hosts(self.hosts, bind)
