"""Malformed and hostile tables, arrays, histories, curves and pictures, written on demand by name."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

Make = Callable[[], bytes]
LONG = "instance_id,epoch,pred,actual\na,0,cat,cat\na,1,dog,cat\nb,0,dog,dog\nb,1,dog,dog\n"
DEEP = 20_000


def member(descr: str, shape: object, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """Return a member of an npz with any header: the type's description, the shape, and what follows."""
    return framed(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n", version) + body


def framed(header: bytes, version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    """Return the start of a member of an npz around a header, with its true length or another."""
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + header


def array(values: object) -> bytes:
    """Return an honest member of an npz."""
    written = io.BytesIO()
    np.lib.format.write_array(written, np.asarray(values), allow_pickle=True)
    return written.getvalue()


TRUTH = {"y_true.npy": array([0, 1, 1]), "y_pred.npy": array([0, 1, 0])}
HISTORY = {"predictions.npy": array([[0, 1], [1, 1]]), "actual.npy": array([0, 1])}
DIGITS = {"x.npy": array(np.zeros((2, 8, 8), np.uint8)), "y.npy": array([0, 1])}


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def with_member(content: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an npz in which one member of those that each reader needs has this content."""
    bad = {"predictions.npy": content, "y_pred.npy": content, "x.npy": content}
    return zipped({**TRUTH, **HISTORY, **DIGITS, **bad}, how)


def whole() -> dict[str, bytes]:
    return {**TRUTH, **HISTORY}


def encrypted() -> bytes:
    """Return an npz that claims to be encrypted, in both places where an archive says so."""
    data = bytearray(zipped(whole(), zipfile.ZIP_STORED))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.find(mark)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(mark, start + 4)
    return bytes(data)


def twice() -> bytes:
    """Return an npz with a second member of the same name, which Python would not write without a warning."""
    return zipped({**whole(), "predictionz.npy": b"again"}).replace(b"predictionz", b"predictions")


def patched(data: bytes, mark: bytes, place: int, value: bytes) -> bytes:
    """Return an archive with other bytes at a place behind each mark."""
    changed, start = bytearray(data), data.find(mark)
    while start >= 0:
        changed[start + place : start + place + len(value)] = value
        start = data.find(mark, start + 4)
    return bytes(changed)


def pickled() -> bytes:
    return array(np.array([{"a": 1}, None], object))


def many_members(count: int) -> bytes:
    return zipped({f"a{n}.npy": array([n]) for n in range(count)}, zipfile.ZIP_STORED)


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    written = io.BytesIO()
    parquet.write_table(table, written, **options)
    return written.getvalue()


def repeated_text(rows: int, letters: int) -> bytes:
    """Return a parquet of a few KB: one long text, named by all rows through a dictionary."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * letters]))
    numbers = pa.array(np.zeros(rows, np.int64))
    return parquet_of(pa.table({"y_true": numbers, "y_pred": numbers, "a": texts}), compression="zstd")


def many_zeros(rows: int, columns: int) -> bytes:
    """Return a parquet whose columns of zeros take a few bytes each."""
    zeros = pa.array(np.zeros(rows, np.float64))
    names = ["y_true", "y_pred", *(f"a{n}" for n in range(columns - 2))]
    return parquet_of(pa.table(dict.fromkeys(names, zeros)), compression="zstd", write_statistics=False)


def nested_parquet() -> bytes:
    kind: Any = pa.int64()
    value: Any = 1
    for _ in range(60):
        kind, value = pa.list_(kind), [value]
    return parquet_of(pa.table({"y_true": pa.array([1]), "y_pred": pa.array([1]), "a": pa.array([value], kind)}))


def flow(**changes: Any) -> bytes:
    content = {
        "labels": ["cat", "dog"],
        "instances": [{"id": "a", "actual": 0}, {"id": "b", "actual": 1}],
        "epochs": [{"id": "1", "classifications": [0, 1]}],
    }
    return json.dumps(content | changes).encode()


def raw_flow(ids: str = '"a"', actual: str = "0", label: str = '"cat"', classifications: str = "[0]") -> bytes:
    """Return InstanceFlow's JSON with any text in the place of a value."""
    instances = f'[{{"id": {ids}, "actual": {actual}}}]'
    epochs = f'[{{"id": "1", "classifications": {classifications}}}]'
    return f'{{"labels": [{label}, "dog"], "instances": {instances}, "epochs": {epochs}}}'.encode()


@cache
def large_picture(side: int) -> str:
    written = io.BytesIO()
    Image.new("L", (side, side)).save(written, "PNG")
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


def with_pictures(count: int, side: int) -> bytes:
    instances = [{"id": str(n), "actual": 0, "image": large_picture(side)} for n in range(count)]
    return flow(instances=instances, epochs=[{"id": "1", "classifications": [0] * count}])


def wide(columns: int, rows: int = 3) -> bytes:
    header = ",".join(["instance_id", "actual", "y_true", "y_pred", *(f"epoch_{n}" for n in range(columns))])
    return "\n".join([header, *(",".join([str(row), *["0"] * (columns + 3)]) for row in range(rows))]).encode()


def png(width: int, height: int, body: bytes = b"", depth: int = 8, kind: int = 2) -> bytes:
    """Return a PNG with any size in its header and any compressed body."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    parts = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 64)).save(written, "JPEG")
    return written.getvalue()


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIIIII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def record(payload: bytes) -> bytes:
    """Return a record of an event file with right checksums."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    head = struct.pack("<Q", len(payload))
    return head + struct.pack("<I", masked_crc32c(head)) + payload + struct.pack("<I", masked_crc32c(payload))


def _texts() -> Iterator[tuple[str, Make]]:
    """CSV files."""
    yield "empty", lambda: b""
    yield "spaces", lambda: b" \n\t \r\n "
    yield "one newline", lambda: b"\n"
    yield "zeros", lambda: bytes(2048)
    yield "noise", lambda: np.random.default_rng(0).bytes(4096)
    yield "a web page", lambda: b"<!doctype html><html><body>no</body></html>"
    yield "a mark of byte order alone", lambda: b"\xef\xbb\xbf"
    yield "half a mark of byte order", lambda: b"\xff\xfe"
    yield "UTF-16", lambda: LONG.encode("utf-16")
    yield "UTF-32", lambda: LONG.encode("utf-32")
    yield "invalid UTF-8", lambda: LONG.encode().replace(b"cat", b"\xc3\x28\xff")
    yield "a header alone", lambda: LONG.partition("\n")[0].encode()
    yield "an open quote", lambda: b'y_true,y_pred\n"0,1\n1,1\n' * 2
    yield "quotes everywhere", lambda: b'"' * 4001
    yield "commas only", lambda: b"," * 3000
    yield "20,000 columns", lambda: wide(20_000)
    yield "a million columns", lambda: b"instance_id," + b"epoch_1," * 1_000_000 + b"\n" + b"0," * 1_000_000
    yield "a million distinct columns", lambda: wide(1_000_000, rows=1)
    yield "3,000 epochs", lambda: wide(3_000)
    yield "ragged", lambda: b"y_true,y_pred\n1,1,1,1\n1\n"
    yield "a cell of a megabyte", lambda: b"y_true,y_pred,a\n0,1," + b"x" * (1 << 20) + b"\n1,0,b\n"
    yield "long cells in many rows", lambda: b"y_true,y_pred,a\n0,1," + b"x" * 100_000 + b"\n" + b"1,0,b\n" * 50_000
    yield "a header of two megabytes", lambda: b"y_true,y_pred," + b"x" * (2 << 20) + b"\n0,1,2\n"
    yield "an integer of 5,000 digits", lambda: LONG.replace("cat", "9" * 5000).encode()
    yield "an integer of 400 digits", lambda: LONG.replace("cat", "9" * 400).encode()
    yield "an integer of 25 digits", lambda: LONG.replace("cat", "9" * 25).replace("dog", "1").encode()
    yield "an epoch of 5,000 digits", lambda: LONG.replace("a,0", f"a,{'9' * 5000}").encode()
    yield "an infinite class", lambda: LONG.replace("cat", "inf").replace("dog", "1e400").encode()
    yield "a class that is no number", lambda: LONG.replace("cat", "nan").replace("dog", "-nan").encode()
    yield "a negative class", lambda: LONG.replace("cat", "-7").replace("dog", "0").encode()
    yield "a class of a billion", lambda: LONG.replace("cat", "1000000000").replace("dog", "0").encode()
    yield "booleans", lambda: LONG.replace("cat", "True").replace("dog", "False").encode()
    yield "complex numbers", lambda: LONG.replace("cat", "1+2j").encode()
    yield "exponents", lambda: LONG.replace("cat", "1e18").replace("dog", "1e-18").encode()
    yield "names of spaces", lambda: b" , ,\n1,2,3\n"
    yield "no names", lambda: b",,\n1,2,3\n4,5,6\n"
    yield "names that meet when stripped", lambda: b"y_true, y_true ,y_pred\n0,0,1\n1,1,1\n"
    yield "names that pandas adds to", lambda: b"y_true,y_pred,a,a.1,a\n0,0,1,2,3\n"
    yield "control characters", lambda: bytes(range(1, 32)) + b",y_true\n1,2\n"
    yield "zeros inside", lambda: b"y_true,y_pred\n" + b"0,1\n" * 2000 + b"\x00\x00\x00,1\n"
    yield "carriage returns alone", lambda: LONG.replace("\n", "\r").encode()
    yield "an id without an end", lambda: b"instance_id,epoch,pred\n" + b"a" * 400_000
    yield "formulas", lambda: LONG.replace("cat", "=1+1").replace("dog", "@SUM(A1)").encode()
    yield "lone surrogates in UTF-8", lambda: LONG.encode().replace(b"cat", b"\xed\xa0\x80")
    yield "a probability of inf", lambda: b"y_true,y_pred,prob_0,prob_1\n0,1,inf,0\n1,1,1e308,1e308\n"
    yield "heads without numbers", lambda: b"y_true,y_pred,logits_a_0,logits_a_1\n0,1,x,y\n1,1,1,1\n"
    yield "gzip", lambda: gzip.compress(LONG.encode())
    yield "cut UTF-16", lambda: LONG.encode("utf-16")[:-7]
    yield "percent signs alone", lambda: b"y_true,prob_0,prob_1\n0,%,%\n1,%,%\n"
    yield "commas for numbers", lambda: b"y_true;prob_0;prob_1\n0;,;,\n1;1,,2;0\n"
    yield "two labels a cell", lambda: b"y_true,y_pred\n" + b"a|b,a\nb|a,b\n" * 3


def _archives() -> Iterator[tuple[str, Make]]:
    """npz files, and zips that only look like them."""
    yield "zip signature alone", lambda: b"PK\3\4"
    yield "zip signature and noise", lambda: b"PK\3\4" + np.random.default_rng(1).bytes(300)
    yield "empty zip", lambda: zipped({})
    yield "cut zip", lambda: zipped(whole())[:-30]
    yield "half a zip", lambda: zipped(whole())[: len(zipped(whole())) // 2]
    yield "wrong checksum", lambda: patched(zipped(whole()), b"PK\1\2", 16, b"\1\2\3\4")
    yield "wrong deflate stream", lambda: patched(zipped(whole()), b"PK\3\4", 50, b"\xff\xff\xff\xff")
    yield "lzma members", lambda: zipped(whole(), zipfile.ZIP_LZMA)
    yield "bzip2 members", lambda: zipped(whole(), zipfile.ZIP_BZIP2)
    yield (
        "an unknown compression",
        lambda: patched(patched(zipped(whole()), b"PK\1\2", 10, b"\x63\0"), b"PK\3\4", 8, b"\x63\0"),
    )
    yield "damaged lzma members", lambda: patched(zipped(whole(), zipfile.ZIP_LZMA), b"PK\3\4", 60, b"\0\xff\0\xff")
    yield "encrypted members", encrypted
    yield "a member twice", twice
    yield "2,000 members", lambda: many_members(2_000)
    yield "20,000 members", lambda: many_members(20_000)
    yield "a member that is text", lambda: with_member(b"predictions: 1 2 3")
    yield "a member that is empty", lambda: with_member(b"")
    yield "text beside the arrays", lambda: zipped({**whole(), "readme.txt": b"hello"})
    yield "text named as a curve", lambda: zipped({**whole(), "loss.npy": b"0.1 0.2"})
    yield "a folder", lambda: zipped({**whole(), "folder/": b""})
    yield "a path upwards", lambda: zipped({**whole(), "../../loss.npy": array([1.0, 2.0])})
    yield "items of size zero", lambda: with_member(member("'<U0'", (10**12, 2)))
    yield "bytes of size zero", lambda: with_member(member("'|S0'", (10**12,)))
    yield "voids of size zero", lambda: with_member(member("'|V0'", (10**13,)))
    yield "records of size zero", lambda: with_member(member("[]", (10**11,)))
    yield "a shape that lies", lambda: with_member(member("'<f8'", (10**6, 10**6), bytes(64)))
    yield "a shape that overflows", lambda: with_member(member("'<f8'", (2**40, 2**40), bytes(64)))
    yield "a negative shape", lambda: with_member(member("'<i8'", (-1, 4), bytes(64)))
    yield "a shape of texts", lambda: with_member(member("'<i8'", ("'a'", 2), bytes(64)))
    yield "a shape of booleans", lambda: with_member(member("'<i8'", (True, True), bytes(64)))
    yield "a shape of 40 axes", lambda: with_member(member("'<i8'", (1,) * 40, bytes(8)))
    yield "an empty axis that hides another", lambda: with_member(member("'<i8'", (0, 10**15)))
    yield "no shape", lambda: with_member(framed(b"{'descr': '<i8', 'fortran_order': False}\n"))
    yield "a header that is no dictionary", lambda: with_member(framed(b"[1, 2, 3]\n"))
    yield "a header that is code", lambda: with_member(framed(b"__import__('os').system('false')\n"))
    yield "a header that is not ASCII", lambda: with_member(framed("{'descr': '<i8', 'ä'}\n".encode()))
    yield "a deeply nested header", lambda: with_member(framed(b"(" * 9000 + b")" * 900 + b"\n"))
    yield "deeply nested minus signs", lambda: with_member(framed(b"-" * 9500 + b"1\n"))
    yield "a very deeply nested header", lambda: with_member(framed(b"[" * DEEP + b"]" * DEEP + b"\n", (2, 0)))
    yield "a header of a megabyte", lambda: with_member(framed(b" " * (1 << 20) + b"\n", (2, 0)))
    yield "a cut header", lambda: with_member(framed(b"{'descr': '<i8'", length=4000))
    yield "a cut start", lambda: with_member(b"\x93NUMPY\x01")
    yield "a header of four gigabytes", lambda: with_member(framed(b"{}", (2, 0), length=0xFFFFFFF0))
    yield "an unknown version", lambda: with_member(framed(b"{}\n", (9, 9)))
    yield (
        "an integer of 5,000 digits in a shape",
        lambda: with_member(
            framed(f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({'9' * 5000},), }}\n".encode())
        ),
    )
    yield "an unknown type", lambda: with_member(member("'<z9'", (2,), bytes(64)))
    yield "a huge type", lambda: with_member(member("'<U2000000000'", (1,), bytes(64)))
    yield "a cut body", lambda: with_member(member("'<i8'", (2, 2), bytes(9)))
    yield "too long a body", lambda: with_member(member("'<i8'", (2, 2), bytes(900)))
    yield "Python objects", lambda: with_member(pickled())
    yield "records", lambda: with_member(array(np.zeros(3, [("a", "i4"), ("b", "f4")])))
    yield "dates", lambda: with_member(array(np.array(["2020-01-01", "NaT"], "datetime64[D]")))
    yield "complex", lambda: with_member(array(np.array([[1 + 2j, 1]])))
    yield "texts that are no characters", lambda: with_member(member("'<U1'", (2, 2), b"\xff\xff\xff\x7f" * 4))
    yield "lone surrogates", lambda: zipped({**whole(), "labels.npy": member("'<U1'", (2,), b"\0\xd8\0\0\1\xd8\0\0")})
    yield "NaN and infinity", lambda: with_member(array(np.array([[np.nan, np.inf], [-np.inf, 1e300]])))
    yield "huge numbers", lambda: with_member(array(np.array([[2**63 - 1, -(2**63)], [0, 1]])))
    yield "unsigned numbers", lambda: with_member(array(np.array([[2**64 - 1, 0], [0, 1]], np.uint64)))
    yield "a scalar", lambda: with_member(array(3))
    yield "empty arrays", lambda: with_member(array(np.zeros((0, 0))))
    yield (
        "a million epochs",
        lambda: zipped({"predictions.npy": array(np.zeros((1, 10**6), np.int8)), "actual.npy": array([0])}),
    )
    yield "a bomb", lambda: with_member(array(np.zeros((250_000, 4))))
    yield "long names in many rows", lambda: with_member(array(np.array(["x" * 2000, *["y"] * 4_000])))
    yield "unlike lengths", lambda: zipped({**TRUTH, "y_pred.npy": array([0]), **HISTORY, "actual.npy": array([0])})


def _parquets() -> Iterator[tuple[str, Make]]:
    yield "parquet signature alone", lambda: b"PAR1"
    yield "parquet signature twice", lambda: b"PAR1PAR1"
    yield "parquet of noise", lambda: b"PAR1" + np.random.default_rng(2).bytes(400) + b"PAR1"
    yield "cut parquet", lambda: many_zeros(10, 3)[:-9]
    yield "parquet with a long footer", lambda: b"PAR1" + bytes(100) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"
    yield "parquet with damaged pages", lambda: many_zeros(100, 4)[:40] + b"\xff" * 60 + many_zeros(100, 4)[100:]
    yield "parquet of repeated texts", lambda: repeated_text(150_000, 60_000)
    yield "parquet of many zeros", lambda: many_zeros(190_000, 400)
    yield "parquet of nested lists", nested_parquet
    yield "parquet without rows", lambda: many_zeros(0, 3)
    yield "parquet of too many rows", lambda: many_zeros(300_000, 2)
    yield "parquet of too many columns", lambda: many_zeros(1, 6_000)
    yield "parquet of nulls", lambda: parquet_of(pa.table({"y_true": pa.nulls(3), "y_pred": pa.nulls(3)}))
    yield (
        "parquet of bytes",
        lambda: parquet_of(pa.table({"y_true": pa.array([b"\xff", b"\0"]), "y_pred": pa.array([b"\xff", b"a"])})),
    )


def _jsons() -> Iterator[tuple[str, Make]]:
    yield "JSON brace alone", lambda: b"{"
    yield "JSON empty object", lambda: b"{}"
    yield "JSON list", lambda: b"[1, 2]"
    yield "JSON cut", lambda: flow()[:-5]
    yield "JSON deeply nested", lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP
    yield "JSON deeply nested list", lambda: b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}"
    yield "JSON nested id", lambda: raw_flow(ids="[" * 500 + "]" * 500)
    yield "JSON nested classifications", lambda: raw_flow(classifications="[" * 70 + "0" + "]" * 70)
    yield "JSON integer of 5,000 digits", lambda: raw_flow(actual="9" * 5000)
    yield "JSON integer of 4,000 digits", lambda: raw_flow(actual="9" * 4000)
    yield "JSON id of 4,000 digits", lambda: raw_flow(ids="9" * 4000)
    yield "JSON infinite number", lambda: raw_flow(actual="1e999")
    yield "JSON NaN", lambda: raw_flow(actual="NaN", classifications="[Infinity]")
    yield "JSON huge class", lambda: raw_flow(classifications="[1e18]")
    yield "JSON lone surrogates", lambda: raw_flow(ids='"\\ud800"', label='"\\udfff"')
    yield "JSON wrong types", lambda: flow(instances=5, epochs="text")
    yield "JSON instances of lists", lambda: flow(instances=[[], []])
    yield "JSON labels as text", lambda: flow(labels="cat")
    yield "JSON labels as objects", lambda: flow(labels=[{"a": 1}, None])
    yield "JSON classifications as objects", lambda: flow(epochs=[{"id": "1", "classifications": [{}, []]}])
    yield "JSON classifications as text", lambda: flow(epochs=[{"id": "1", "classifications": "01"}])
    yield "JSON no epochs", lambda: flow(epochs=[])
    yield "JSON no instances", lambda: flow(instances=[], epochs=[{"id": "1", "classifications": []}])
    yield "JSON invalid UTF-8", lambda: flow().replace(b"cat", b"\xff\xfe")
    yield "JSON UTF-16", lambda: flow().decode().encode("utf-16-le")
    yield "JSON duplicate keys", lambda: flow().replace(b'"labels"', b'"labels": ["x"], "labels"')
    yield "JSON long strings", lambda: flow(labels=["x" * (1 << 20), "y"])
    yield "JSON long ids", lambda: flow(instances=[{"id": "x" * (1 << 20), "actual": 0}, {"id": "y", "actual": 1}])
    yield "JSON forty large pictures", lambda: with_pictures(40, 6100)
    yield (
        "JSON picture that is none",
        lambda: flow(
            instances=[{"id": "a", "actual": 0, "image": "data:image/png;base64,AAAA"}, {"id": "b", "actual": 1}]
        ),
    )
    yield (
        "JSON picture that is no base64",
        lambda: flow(instances=[{"id": s, "actual": 0, "image": "data:image/png;base64,\u00e4!"} for s in "ab"]),
    )
    yield "JSON many labels", lambda: flow(labels=[str(n) for n in range(100_000)])


def _events() -> Iterator[tuple[str, Make]]:
    yield "event record of noise", lambda: record(np.random.default_rng(3).bytes(200))
    yield "event record that is empty", lambda: record(b"")
    yield "event record that is cut", lambda: record(b"\x08\x01")[:-3]
    yield "many empty event records", lambda: record(b"") * 20_000
    yield "event record of nested fields", lambda: record(b"\x2a\x7f" * 60)
    yield "event record of 18 exabytes", lambda: record(b"")[:12] + struct.pack("<Q", 2**64 - 1) + bytes(40)


SHEET = "xl/worksheets/sheet1.xml"
CELL = "<worksheet><sheetData><row r='1'><c r='{}'><v>1</v></c></row></sheetData></worksheet>"


def workbook(sheet: str, **parts: bytes) -> bytes:
    """Return an xlsx with any text as its only sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    link = f"<Relationship Id='r1' Type='{kinds}/worksheet' Target='worksheets/sheet1.xml'/>"
    sheets = "<sheets><sheet name='a' sheetId='1' r:id='r1'/></sheets>"
    book = f"<workbook xmlns='{main}' xmlns:r='{kinds}'>{sheets}</workbook>"
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    rels = f"<Relationships xmlns='{packages}'>{link}</Relationships>"
    root = rels.replace(f"{kinds}/worksheet", f"{kinds}/officeDocument").replace("worksheets/sheet1", "xl/workbook")
    files = {"_rels/.rels": root, "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": rels, SHEET: sheet}
    return zipped({name: text.encode() for name, text in files.items()} | parts)


def _workbooks() -> Iterator[tuple[str, Make]]:
    """Excel workbooks, and JSON that is a table."""
    apart = CELL.format("A1").replace("</row>", "</row><row r='1048576'><c/></row>")
    entities = "<!DOCTYPE a [<!ENTITY b 'b'><!ENTITY c '&b;&b;'>]>" + CELL.format("A1").replace("1</v>", "&c;</v>")
    yield "xlsx without sheets", lambda: zipped({"xl/workbook.xml": b"<workbook/>"})
    yield "xlsx of noise", lambda: workbook(np.random.default_rng(6).bytes(500).decode("latin-1"))
    yield "xlsx without cells", lambda: workbook("<worksheet><sheetData/></worksheet>")
    yield "xlsx with one cell", lambda: workbook(CELL.format("A1"))
    yield "xlsx with the last cell", lambda: workbook(CELL.format("XFD1048576"))
    yield "xlsx with a cell beyond all", lambda: workbook(CELL.format("ZZZZZZZ99999999999"))
    yield "xlsx with a hidden last cell", lambda: workbook(CELL.format("&#88;FD1048576"))
    yield "xlsx with rows far apart", lambda: workbook(apart)
    yield "xlsx of nested elements", lambda: workbook("<a>" * 200_000)
    yield "xlsx with an entity bomb", lambda: workbook(entities)
    yield "xlsx of 300 MB", lambda: workbook(" " * (300 << 20))
    yield "xlsx encrypted", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
    yield "OpenDocument", lambda: zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})
    yield "JSON records", lambda: b'[{"y_true": "a", "y_pred": "b"}, {"y_true": "b"}, {"y_pred": "a", "x": null}]'
    yield "JSON records of lone surrogates", lambda: b'[{"y_true": "\\ud800", "y_pred": "b", "\\udfff": 1}]'
    yield "JSON records deeply nested", lambda: b'[{"y_true": ' + b"[" * 100_000
    yield "JSON records of huge numbers", lambda: b'[{"y_true": 1' + b"0" * 400 + b', "y_pred": 1e400}]'
    yield "JSON of a million names", lambda: json.dumps([{str(n): 0 for n in range(1_000_000)}]).encode()
    yield "JSON lines cut", lambda: b'{"y_true": "a", "y_pred": "b"}\n{"y_true": "a", "y_p'


def _pictures() -> Iterator[tuple[str, Make]]:
    yield "PNG signature alone", lambda: b"\x89PNG\r\n\x1a\n"
    yield "PNG of four gigapixels", lambda: png(65_535, 65_535)
    yield "PNG of 2^31 pixels a side", lambda: png(2**31 - 1, 2**31 - 1)
    yield "PNG without pixels", lambda: png(64, 64)
    yield "PNG of no size", lambda: png(0, 0)
    yield "PNG one pixel high", lambda: png(60_000, 1)
    yield "PNG with too many pixels", lambda: png(16, 16, bytes(10**6))
    yield "PNG of an unknown kind", lambda: png(64, 64, bytes(64), depth=3, kind=9)
    yield "PNG with a text bomb", lambda: png(64, 64, bytes(12_352)).replace(b"IDAT", b"zTXt", 1)
    yield "JPEG cut", lambda: jpeg()[:200]
    yield "JPEG signature alone", lambda: b"\xff\xd8\xff"
    yield "GIF of no size", lambda: b"GIF89a" + bytes(7)
    yield "GIF that never ends", lambda: b"GIF89a\x10\x00\x10\x00\x00\x00\x00" + b"\x2c" + bytes(4000)
    yield "BMP of two gigapixels", lambda: bmp(50_000, 50_000)
    yield "BMP of negative size", lambda: bmp(-64, -64)
    yield "TIFF that points at itself", lambda: b"II*\0\x08\0\0\0\x01\0" + bytes(12) + b"\x08\0\0\0"
    yield "TIFF of noise", lambda: b"II*\0" + np.random.default_rng(4).bytes(500)
    yield "WebP of noise", lambda: b"RIFF\x64\0\0\0WEBPVP8 " + np.random.default_rng(5).bytes(90)
    yield "AVIF of noise", lambda: b"\0\0\0 ftypavif\0\0\0\0avifmif1" + np.random.default_rng(7).bytes(300)
    yield "AVIF cut", lambda: avif()[:-40]
    yield "HEIC of noise", lambda: b"\0\0\0 ftypheic\0\0\0\0heicmif1" + np.random.default_rng(8).bytes(300)
    yield "HEIC signature alone", lambda: b"\0\0\0 ftypheic"
    yield "DICOM mark alone", lambda: bytes(128) + b"DICM"
    yield "DICOM of noise", lambda: bytes(128) + b"DICM" + np.random.default_rng(9).bytes(500)
    yield "DICOM of nested sequences", lambda: bytes(128) + b"DICM" + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" * 20_000
    yield "NPY mark alone", lambda: b"\x93NUMPY"
    yield "NPY that lies", lambda: member("'<f8'", (10**6, 10**6), bytes(64))
    yield "NPY of objects", lambda: array(np.array([{}, []], object))
    yield "NPY of zero pages", lambda: member("'|u1'", (0, 16, 16, 3))
    yield "NPY of a thousand small pages", lambda: array(np.zeros((1000, 1, 1, 3), np.uint8))
    yield "TIFF of many pages", lambda: pages(300)
    yield "SVG", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    yield "EPS", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n"


def avif() -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(written, "AVIF")
    return written.getvalue()


def pages(count: int, size: tuple[int, int] = (2, 2)) -> bytes:
    """Return a TIFF of black pages, by default too small to be used."""
    written, page = io.BytesIO(), Image.new("L", size)
    page.save(written, "TIFF", save_all=True, append_images=[page] * (count - 1))
    return written.getvalue()


def _zips() -> Iterator[tuple[str, Make]]:
    """Zips of pictures."""
    yield "pictures without folders", lambda: zipped({"a.png": b"no picture"})
    yield "pictures with a bad list", lambda: zipped({"a.png": b"x", "labels.csv": b"file,label\n" + b"\xff" * 50})
    yield "pictures with a wide list", lambda: zipped({"a.png": b"x", "labels.csv": wide(20_000)})
    yield (
        "pictures with a list of 5,000 digits",
        lambda: zipped({"a.png": b"x", "labels.csv": b"file,label\na.png," + b"9" * 5000}),
    )
    yield "60,000 entries", lambda: zipped({f"d/{n}.png": b"" for n in range(60_000)}, zipfile.ZIP_STORED)


FILES: dict[str, Make] = dict(
    [*_texts(), *_archives(), *_parquets(), *_workbooks(), *_jsons(), *_events(), *_pictures(), *_zips()]
)
