"""Artefacts: a model's texts and its training data in the lake, so that a version can be restored and trained again.

Keeping and giving back belong here. The folders below models/ are where people look; they are written from here where they are lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from pipelines.lake import Lake

__all__ = ["digest_of", "keep_input", "keep_texts", "kept_texts", "read_input"]

ARTEFACTS = "ml/model_artefacts"
_SCHEMA = {
    "model_name": pl.String(),
    "model_version": pl.String(),
    "file_name": pl.String(),
    "sha256": pl.String(),
    "size_bytes": pl.Int64(),
    "content_zstd": pl.Binary(),
}


def digest_of(texts: Mapping[str, str]) -> str:
    """SHA-256 of a model's texts, in the order of their file names."""
    return hashlib.sha256("".join(texts[name] for name in sorted(texts)).encode()).hexdigest()


def keep_texts(lake: Lake, model_name: str, model_version: str, texts: Mapping[str, str]) -> bool:
    """Keep the texts of a model, compressed, unless they are kept already. Returns whether they were now."""
    lake.ensure(ARTEFACTS, _SCHEMA)
    rows = []
    for name, text in sorted(texts.items()):
        content = text.encode()
        packed = pa.compress(content, codec="zstd", asbytes=True)
        rows.append((model_name, model_version, name, hashlib.sha256(content).hexdigest(), len(content), packed))
    return lake.append_batch_once(ARTEFACTS, pl.DataFrame(rows, schema=_SCHEMA, orient="row"), f"{model_name}/{model_version}")


def kept_texts(lake: Lake, model_name: str, model_version: str) -> dict[str, str]:
    """Text by file name of a model that was kept; empty where none was, or where what was kept is not what it was."""
    if not lake.exists(ARTEFACTS):
        return {}
    rows = lake.read(ARTEFACTS).filter((pl.col("model_name") == model_name) & (pl.col("model_version") == model_version))
    texts = {}
    for row in rows.iter_rows(named=True):
        content = pa.decompress(row["content_zstd"], decompressed_size=row["size_bytes"], codec="zstd", asbytes=True)
        if hashlib.sha256(content).hexdigest() != row["sha256"]:
            return {}
        texts[row["file_name"]] = content.decode()
    return texts


def keep_input(lake: Lake, relation: str, table: pl.DataFrame) -> tuple[str, int]:
    """Keep the panel or case table that a training reads. Returns the table of the lake, and the version that holds it."""
    kept = f"ml/{relation.rsplit('.', 1)[-1]}"
    ordered = table.sort(table.columns[:2])
    fingerprint = {"rows": ordered.height, "hash": str(ordered.hash_rows(seed=0).sum()), "columns": ",".join(ordered.columns)}
    if lake.fingerprint(kept) == fingerprint:
        return kept, lake.rows_version(kept)
    return kept, lake.replace(kept, ordered, fingerprint)


def read_input(lake: Lake, relation: str, data_versions: Mapping[str, int]) -> pl.DataFrame:
    """The panel or case table as a training read it. Raises KeyError where its card names none."""
    kept = f"ml/{relation.rsplit('.', 1)[-1]}"
    return lake.read(kept, version=data_versions[kept])
