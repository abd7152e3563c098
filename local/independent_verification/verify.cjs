// Verifies logs with npm's @sigstore/verify: the checkpoint's signature, and an inclusion proof of every entry from the tiles.
// Each line of the input is a verifier key, a tab and a folder; each line of the output a verdict.
"use strict";
const { createHash, createPublicKey } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const library = join(process.argv[2], "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(join(library, "checkpoint.js"));
const { verifyMerkleInclusion } = require(join(library, "merkle.js"));

const WIDTH = 256;
const HASH = 32;
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function check(condition, why) {
  if (!condition) throw new Error(why);
}

// name+id+base64, of which only the base64 may hold a plus.
function logOf(key) {
  const [name, id] = key.split("+", 2);
  const bytes = Buffer.from(key.slice(name.length + id.length + 2), "base64");
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, bytes.subarray(1)]), format: "der", type: "spki" });
  return { baseURL: name, logID: Buffer.from(id, "hex"), publicKey };
}

function path(kind, number, width) {
  const digits = String(number).padStart(Math.ceil(String(number).length / 3) * 3, "0");
  const groups = digits.match(/.../g);
  const index = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${kind}/${index}${width === WIDTH ? "" : `.p/${width}`}`;
}

function bundle(folder, number, width) {
  const data = readFileSync(join(folder, path("entries", number, width)));
  const entries = [];
  let at = 0;
  while (entries.length < width) {
    check(at + 2 <= data.length && at + 2 + data.readUInt16BE(at) <= data.length, "a bundle ends within an entry");
    const end = at + 2 + data.readUInt16BE(at);
    entries.push(data.subarray(at + 2, end));
    at = end;
  }
  check(at === data.length, "bytes follow the entries of a bundle");
  return entries;
}

function nodesOf(folder, size) {
  const nodes = new Map();
  return function node(level, index) {
    const name = `${level}/${index}`;
    if (!nodes.has(name)) {
      nodes.set(name, level % 8 ? parent(node(level - 1, 2 * index), node(level - 1, 2 * index + 1)) : read(level / 8, index));
    }
    return nodes.get(name);
  };
  function read(level, index) {
    const number = Math.floor(index / WIDTH);
    const width = Math.min(WIDTH, Math.floor(size / WIDTH ** level) - number * WIDTH);
    const data = readFileSync(join(folder, path(level, number, width)));
    check(data.length === width * HASH, "a tile has another length");
    const at = (index % WIDTH) * HASH;
    return data.subarray(at, at + HASH);
  }
}

function parent(left, right) {
  return createHash("sha256").update(Buffer.from([1])).update(left).update(right).digest();
}

// RFC 6962, section 2.1.1; low is a multiple of the largest power of two within the range.
function rangeRoot(node, low, high) {
  const level = Math.floor(Math.log2(high - low));
  if (2 ** level === high - low) return node(level, low / 2 ** level);
  return parent(node(level, low / 2 ** level), rangeRoot(node, low + 2 ** level, high));
}

function inclusionPath(node, index, size) {
  const hashes = [];
  for (let low = 0, high = size; high - low > 1; ) {
    const middle = low + 2 ** Math.floor(Math.log2(high - low - 1));
    if (index < middle) {
      hashes.push(rangeRoot(node, middle, high));
      high = middle;
    } else {
      hashes.push(rangeRoot(node, low, middle));
      low = middle;
    }
  }
  return hashes.reverse();
}

function verify(key, folder) {
  const log = logOf(key);
  const envelope = readFileSync(join(folder, "checkpoint"), "utf8");
  const checkpoint = verifyCheckpoint({ inclusionProof: { checkpoint: { envelope } } }, [log]);
  check(checkpoint.origin === log.baseURL, "the checkpoint is that of another log");
  const size = Number(checkpoint.logSize);
  const node = nodesOf(folder, size);
  for (let first = 0; first < size; first += WIDTH) {
    bundle(folder, first / WIDTH, Math.min(WIDTH, size - first)).forEach((canonicalizedBody, at) => {
      const logIndex = String(first + at);
      const inclusionProof = { logIndex, hashes: inclusionPath(node, first + at, size) };
      verifyMerkleInclusion({ canonicalizedBody, inclusionProof }, checkpoint);
    });
  }
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [key, folder] = line.split("\t");
  try {
    verify(key, folder);
    console.log("accepted");
  } catch (error) {
    console.log(`refused: ${error.message.replaceAll("\n", " ")}`);
  }
}
