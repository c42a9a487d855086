"""The floor: httpx, msgspec.Raw and pyarrow.json in a loop. No raw kept, no merge, no checks."""

import io
from pathlib import Path

import httpx
import msgspec
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from bench.peers.task import Task, contend

PAGES_AT_ONCE = 16


class Page(msgspec.Struct):
    """An answer of Graph whose events are left as the bytes that they are."""

    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


def read_and_publish(task: Task) -> int:
    """The rows of one Parquet file, columns as pyarrow infers them from the first pages."""
    decoder = msgspec.json.Decoder(Page)
    headers = {"Authorization": f"Bearer {task.token}"}
    asked = httpx.QueryParams({"$filter": task.filter, "$top": 1000})
    link: str | None = f"{task.url}/v1.0/auditLogs/signIns?{asked}"
    writer: pq.ParquetWriter | None = None
    lines, rows = [], 0
    context = httpx.create_ssl_context(verify=task.ca)
    with httpx.Client(verify=context, headers=headers, timeout=60) as client:
        while link:
            page = decoder.decode(client.get(link).raise_for_status().content)
            lines += page.value
            link = page.next_link
            if len(lines) >= PAGES_AT_ONCE * 1000 or (not link and lines):
                table = _table(lines, writer)
                writer = writer or pq.ParquetWriter(
                    Path(task.folder) / "sign_ins.parquet", table.schema, compression="zstd"
                )
                writer.write_table(table)
                rows += len(lines)
                lines = []
    if writer:
        writer.close()
    return rows


def _table(lines: list[msgspec.Raw], writer: pq.ParquetWriter | None) -> pa.Table:
    schema = writer.schema if writer else None
    return pj.read_json(
        io.BytesIO(b"\n".join(lines)),
        read_options=pj.ReadOptions(block_size=8 << 20),
        parse_options=pj.ParseOptions(explicit_schema=schema),
    )


if __name__ == "__main__":
    contend(read_and_publish)
