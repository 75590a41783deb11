"""SQL of the rejected messages, the same for both databases but for its placeholders."""

from typing import Literal

from audit_service.rejected.message import COLUMNS, SUMMARY


class Statements:
    """The statements, with `mark` as the placeholder of a parameter."""

    def __init__(self, mark: Literal["?", "%s"]) -> None:
        columns = ", ".join(COLUMNS)
        select = f"SELECT id, {columns} FROM rejected"
        self.insert = f"""INSERT INTO rejected ({columns})
            VALUES ({", ".join([mark] * len(COLUMNS))}) ON CONFLICT DO NOTHING"""
        self.page = f"{select} WHERE id > {mark} ORDER BY id LIMIT {mark}"
        self.summaries = f"""SELECT {", ".join(SUMMARY)} FROM rejected
            WHERE id < {mark} ORDER BY id DESC LIMIT {mark}"""
        self.get = f"{select} WHERE id = {mark}"
        self.drop = f"DELETE FROM rejected WHERE id = {mark}"
        self.delete_oldest = f"""DELETE FROM rejected WHERE kafka_topic IS NULL AND id NOT IN
            (SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) AS total FROM
                (SELECT id, length(headers) + coalesce(length(value), 0) AS size FROM rejected
                 WHERE kafka_topic IS NULL ORDER BY id DESC LIMIT {mark}) AS newest) AS sized
             WHERE total <= {mark})"""
