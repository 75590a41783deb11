"""Parquet of exported records, by DuckDB: typed columns, for DuckDB, pandas or Spark."""

from pathlib import Path
from typing import Final

from audit_service.cli.program import PROGRAM
from service_kit.cli.ending import end
from service_kit.cli.remote import REFUSED

COLUMNS: Final = """{
    position: 'BIGINT', received_at: 'TIMESTAMPTZ', conflicts_with: 'BIGINT', event: 'JSON',
    tolerated: 'VARCHAR[]', sender: 'VARCHAR',
    kafka: 'STRUCT(topic VARCHAR, "partition" INTEGER, "offset" BIGINT)'
}"""
_CORE: Final = ("specversion", "id", "source", "type", "subject", "datacontenttype")
_SELECT: Final = f"""
    SELECT position, received_at, conflicts_with,
        {", ".join(f"event->>'$.{name}' AS {name}" for name in _CORE)},
        event->>'$.time' AS time_text,
        try_cast(event->>'$.time' AS TIMESTAMPTZ) AS time,
        json_merge_patch(event, '{{"specversion":null,"id":null,"source":null,"type":null,
            "subject":null,"datacontenttype":null,"time":null,"data":null,"data_base64":null}}')
            AS extensions,
        event->'$.data' AS data,
        from_base64(event->>'$.data_base64') AS data_bytes,
        tolerated, sender, kafka.topic AS kafka_topic, kafka."partition" AS kafka_partition,
        kafka."offset" AS kafka_offset
    FROM read_json($lines, format = 'newline_delimited', columns = {COLUMNS},
        maximum_object_size = 134217728)
    ORDER BY position"""


def convert(lines: Path, file: Path) -> None:
    """Write the records in the lines as Parquet. The process ends where DuckDB is not there."""
    try:
        import duckdb
    except ImportError:
        end(PROGRAM, REFUSED, "Parquet needs the extra `analysis`, for DuckDB")
    select = _SELECT.replace("$lines", _quoted(lines))
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO {_quoted(file)} (FORMAT parquet)")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
