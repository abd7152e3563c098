#!/usr/bin/env bash
# A client of Portcullis with bash, openssl and curl: who am I, then one payment.
#
#     PORTCULLIS_URL=... PORTCULLIS_KEY_ID=... PORTCULLIS_SECRET=... bash examples/client.sh WALLET [AMOUNT]
#
# Pays AMOUNT (default 1.00) USDC on Base to WALLET; exit code 0 when the gateway approved it or holds it for a person.
set -euo pipefail
export LC_ALL=C

sha256_hex() { openssl dgst -sha256 -r | cut -d' ' -f1; }

# printf's format for the bytes that 64 bytes of key give when each is XORed with $2; $1 is the key in hex.
pad() {
  local i byte
  for ((i = 0; i < 128; i += 2)); do
    byte=${1:i:2}
    printf '\\x%02x' $((16#${byte:-0} ^ $2))
  done
}

# HMAC-SHA256 (RFC 2104) of standard input under the key $1, in hex. `openssl dgst -hmac KEY` would do the same, but show
# the key to everyone who lists this machine's processes; printf is part of bash and starts none.
hmac_hex() {
  local key inner
  if ((${#1} > 64)); then
    key=$(printf '%s' "$1" | sha256_hex)
  else
    key=$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')
  fi
  inner=$({ printf "$(pad "$key" 0x36)"; cat; } | sha256_hex)
  { printf "$(pad "$key" 0x5c)"; printf "$(printf '%s' "$inner" | sed 's/../\\x&/g')"; } | sha256_hex
}

# call METHOD PATH [BODY [HEADER...]]: prints the answer's body and, on a line of its own, its status. Headers and body go to curl
# over a pipe, not over its arguments.
call() {
  local method=$1 path=$2 body=${3:-} base target timestamp nonce digest signature
  shift $(($# < 3 ? $# : 3))
  base=${PORTCULLIS_URL%/}
  target=/${base#*://*/}$path
  [[ $base == *://*/* ]] || target=$path
  timestamp=$(date +%s)
  nonce=$(openssl rand -hex 18)
  digest=$(printf '%s' "$body" | sha256_hex)
  signature=$(printf '%s\n%s\n%s\n%s\n%s' "$method" "$target" "$timestamp" "$nonce" "$digest" | hmac_hex "$PORTCULLIS_SECRET")
  {
    printf 'header = "%s"\n' "X-API-Key: $PORTCULLIS_KEY_ID" "X-Timestamp: $timestamp" "X-Nonce: $nonce" \
      "X-Content-SHA256: $digest" "X-Signature: $signature" "$@"
    body=${body//\\/\\\\}
    [[ -z $body ]] || printf 'data-binary = "%s"\n' "${body//\"/\\\"}"
  } | curl --silent --show-error --max-time 10 --config - --request "$method" --write-out '\n%{http_code}\n' "$base$path"
}

# As call, but repeated when there is no answer or a passing refusal; each attempt is signed anew: a nonce serves once.
call_patiently() {
  local attempt answer status=000
  for attempt in 1 2 3 4; do
    answer=$(call "$@") || answer=$'\n000'
    status=${answer##*$'\n'}
    [[ $status =~ ^(000|429|502|503|504)$ ]] || break
    ((attempt == 4)) || sleep "$attempt"
  done
  printf '%s\n' "${answer%$'\n'*}"
  [[ $status == 20[012] ]]
}

main() {
  : "${PORTCULLIS_URL:?set it}" "${PORTCULLIS_KEY_ID:?set it}" "${PORTCULLIS_SECRET:?set it}"
  local wallet=${1:?usage: client.sh WALLET [AMOUNT]} amount=${2:-1.00} body
  # They go into JSON as they are.
  [[ $wallet =~ ^[0-9A-Za-z]+$ && $amount =~ ^[0-9.]+$ ]] || { echo "WALLET or AMOUNT has other characters" >&2; return 2; }
  call_patiently GET /v1/whoami
  body='{"kind":"transfer","amount":"'$amount'","token":"USDC","chain":"base","destination":{"wallet":"'$wallet'"}}'
  # One Idempotency-Key for all attempts: it is paid once.
  call_patiently POST /v1/transactions "$body" "Content-Type: application/json" "Idempotency-Key: $(openssl rand -hex 18)"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
