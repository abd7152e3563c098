// A client of Portcullis for Node.js 22 or later, without a dependency: who am I, then one payment.
//
//     PORTCULLIS_URL=... PORTCULLIS_KEY_ID=... PORTCULLIS_SECRET=... node examples/client.mjs WALLET [AMOUNT]
//
// Pays AMOUNT (default 1.00) USDC on Base to WALLET; exit code 0 when the gateway approved it or holds it for a person.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 4;
const RETRIED = new Set([429, 502, 503, 504]);

// The five headers. target: the whole path, stage included, and the query in canonical form.
function sign(keyId, secret, method, target, body) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(18).toString("base64url");
  const digest = createHash("sha256").update(body).digest("hex");
  const text = [method, target, timestamp, nonce, digest].join("\n");
  return {
    "X-API-Key": keyId,
    "X-Timestamp": timestamp,
    "X-Nonce": nonce,
    "X-Content-SHA256": digest,
    "X-Signature": createHmac("sha256", secret).update(text).digest("hex"),
  };
}

// Repeats what may pass by itself, each attempt signed anew: a nonce serves once.
async function call(method, path, body = "", headers = {}) {
  const { PORTCULLIS_URL, PORTCULLIS_KEY_ID, PORTCULLIS_SECRET } = process.env;
  const url = new URL(PORTCULLIS_URL.replace(/\/$/, "") + path);
  for (let attempt = 1; ; attempt++) {
    const signed = sign(PORTCULLIS_KEY_ID, PORTCULLIS_SECRET, method, url.pathname, body);
    let wait = 0;
    try {
      // A redirect is an error: the gateway sends none, and whoever does must not get signed headers.
      const options = { method, headers: { ...headers, ...signed }, redirect: "error", signal: AbortSignal.timeout(10_000) };
      const answer = await fetch(url, body ? { ...options, body } : options);
      if (!RETRIED.has(answer.status) || attempt === ATTEMPTS) {
        return { status: answer.status, value: await answer.json() };
      }
      wait = Number(answer.headers.get("Retry-After")) || 0;
      await answer.body?.cancel();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
    await sleep(1000 * (Math.min(wait, 10) + (Math.random() * 2 ** attempt) / 8));
  }
}

async function main([wallet, amount = "1.00", ...more]) {
  const missing = ["PORTCULLIS_URL", "PORTCULLIS_KEY_ID", "PORTCULLIS_SECRET"].filter((name) => !process.env[name]);
  if (missing.length || !wallet || more.length) {
    console.error(missing.length ? `set ${missing.join(", ")}` : "usage: client.mjs WALLET [AMOUNT]");
    return 1;
  }
  const identity = await call("GET", "/v1/whoami");
  console.log(JSON.stringify(identity.value));
  if (identity.status !== 200) return 1;
  // Serialized once: what is hashed is what is sent. One Idempotency-Key for all attempts: it is paid once.
  const body = JSON.stringify({ kind: "transfer", amount, token: "USDC", chain: "base", destination: { wallet } });
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomBytes(18).toString("base64url") };
  const decision = await call("POST", "/v1/transactions", body, headers);
  console.log(JSON.stringify(decision.value));
  return [200, 201, 202].includes(decision.status) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
