// Another program that uses a bucket: the GridFSBucket of MongoDB's driver for Node, a command a start.
//
// usage: node gridfs.mjs URI put|get BUCKET NAME FILE
//        node gridfs.mjs URI list BUCKET        prints all revisions as JSON, oldest first

import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { GridFSBucket, MongoClient } from "mongodb";

const [uri, command, bucketName, name, path] = process.argv.slice(2);
const client = await MongoClient.connect(uri, { directConnection: true, serverSelectionTimeoutMS: 20_000 });
const bucket = new GridFSBucket(client.db(), { bucketName });
switch (command) {
  case "put":
    await pipeline(createReadStream(path), bucket.openUploadStream(name));
    break;
  case "get":
    await pipeline(bucket.openDownloadStreamByName(name), createWriteStream(path));
    break;
  case "list": {
    const files = await bucket.find().sort({ uploadDate: 1 }).toArray();
    const seen = files.map(({ filename, length, uploadDate }) => ({ name: filename, length, time: uploadDate.getTime() }));
    console.log(JSON.stringify(seen));
    break;
  }
  default:
    throw new Error(`there is no command ${command}`);
}
await client.close();
