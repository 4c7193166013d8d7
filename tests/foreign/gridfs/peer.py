#!/usr/bin/env python3
"""Another program that uses a bucket: pymongo's gridfs, a command a start. What is found is printed as JSON.

usage: peer.py URI put BUCKET NAME FILE     a new revision
       peer.py URI get BUCKET NAME FILE     the newest revision
       peer.py URI list BUCKET              all revisions, oldest first: name, length, time in milliseconds
       peer.py URI state BUCKET             the same, with files whose chunks do not make up their length ("broken") and
                                            how many chunks belong to no file ("orphans")
       peer.py URI create-user NAME PASSWORD DATABASE    who may read and write that database
       peer.py URI ping
       peer.py URI drop                     the database
"""

import json
import sys

import gridfs
from bson.codec_options import CodecOptions
from datetime import timezone
from pymongo import MongoClient


def revisions(bucket):
    for file in bucket.find().sort("uploadDate"):
        # MongoDB's times have milliseconds; floating point would lose one.
        time = file.upload_date
        yield {"name": file.filename, "length": file.length, "time": int(time.timestamp()) * 1000 + time.microsecond // 1000}


def state(database, name):
    chunks, files = database[f"{name}.chunks"], list(database[f"{name}.files"].find())
    lengths = {}
    for chunk in chunks.find().sort([("files_id", 1), ("n", 1)]):
        lengths.setdefault(str(chunk["files_id"]), []).append((chunk["n"], len(chunk["data"])))
    broken = []
    for file in files:
        found = lengths.pop(str(file["_id"]), [])
        size, length = file["chunkSize"], file["length"]
        wanted = [(n, min(size, length - n * size)) for n in range(-(-length // size))]
        if found != wanted:
            broken.append(file["filename"])
    return {"broken": broken, "orphans": sum(len(found) for found in lengths.values())}


def main(uri, command, *arguments):
    client = MongoClient(uri, directConnection=True, serverSelectionTimeoutMS=20_000)
    database = client.get_default_database().with_options(CodecOptions(tz_aware=True, tzinfo=timezone.utc))
    bucket = gridfs.GridFSBucket(database, arguments[0]) if command in ("put", "get", "list", "state") else None
    match command, arguments:
        case "put", (_, name, path):
            with open(path, "rb") as file:
                bucket.upload_from_stream(name, file)
        case "get", (_, name, path):
            with open(path, "wb") as file:
                bucket.download_to_stream_by_name(name, file)
        case "list", (_,):
            print(json.dumps(list(revisions(bucket))))
        case "state", (name,):
            print(json.dumps({"files": list(revisions(bucket)), **state(database, name)}))
        case "create-user", (name, password, grant):
            database.command("createUser", name, pwd=password, roles=[{"role": "readWrite", "db": grant}])
        case "ping", ():
            database.command("ping")
        case "drop", ():
            client.drop_database(database.name)
        case _:
            sys.exit(__doc__)


main(*sys.argv[1:])
