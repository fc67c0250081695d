#!/bin/sh
# Each benchmark once with tiny sizes: that it runs, and that the registry accepted everything. Nothing is timed.
set -eu
bench=$1
node=$2
pki=$3
verify=$4
run=$5
dir=$(mktemp -d "${TEST_TMPDIR:-/tmp}/smoke-XXXXXX")
expect() {
  if ! grep -q "$1" "$dir/out"; then
    echo "no $1 in:"
    cat "$dir/out"
    exit 1
  fi
}
"$bench" --output json engine --directory "$dir/engine" --blocks 2000 --rounds 1 --bundles 2 --transfers 20 > "$dir/out"
expect '"id": "a"'
expect '"ratio_to_e"'
expect '"puts_per_transfer"'
# Goes on with what is there.
"$bench" engine --directory "$dir/engine" --blocks 2000 --rounds 1 --bundles 2 --transfers 20 --no-raw > "$dir/out"
expect transfers_per_second
"$bench" growth --directory "$dir/growth" --blocks 2000,4000 --rounds 1 --bundles 1 --transfers 10 > "$dir/out"
expect '4000 blocks'
"$bench" fill --directory "$dir/filled" --blocks 2000 --entries 300 --transfers 100 > "$dir/out"
expect entries
"$bench" restart --directory "$dir/filled" --blocks 2000 --times 2 > "$dir/out"
expect p50_ms
"$bench" certificate --directory "$dir/filled" --blocks 2000 --times 2 > "$dir/out"
expect bytes
"$bench" service --directory "$dir/service" --node "$node" --pki "$pki" --blocks 2000 --transfers 10 --calls 20 \
  --bundles 2 --in-flight 1,4 > "$dir/out"
expect '4 in flight'
expect 'one stream'
"$bench" dossiers --directory "$dir/dossiers" --node "$node" --pki "$pki" --dossiers 62 --calls 3 --publications 1 \
  > "$dir/out"
expect '^(l) '
expect 'inboxes'
expect 'the three CSVs'
grep -q 'MV001' "$dir/dossiers/publication-o-0/credits.csv"
grep -q 'TH_PM000' "$dir/dossiers/publication-o-0/methodologies.csv"
"$verify" audit --store "$dir/filled/store" --trust "$dir/filled/trust.json" > "$dir/out" || [ $? -eq 3 ]
expect 'entries per second of the rest'
TMPDIR=$dir "$bench" replicas --directory "$dir/replicas" --node "$node" --pki "$pki" --blocks 2000 --transfers 10 \
  --bundles 3 > "$dir/out"
expect 'that orders'
expect 'that forwards'
expect 'raw etcd'
# The results, of some steps: PostgreSQL may not be there.
python3 "$run" --tiny --only engine,growth,cold --bench "$bench" --node "$node" --verify "$verify" \
  --directory "$dir/run" --results "$dir/results" > "$dir/out"
expect 'puts per transfer'
cp "$dir/results/RESULTS.md" "$dir/out"
expect '^| (h) CPU seconds'
expect '^| (d) / min((f), (a)/3) |  | ≥ 0.7 | not measured'
expect '^| (l) listing 62 dossiers, p99, ms |  | ≤ 50 | not measured'
grep -q '"verdict": "met"' "$dir/results/results.json"
# A step of its own takes its place among them.
python3 "$run" --tiny --only dossiers --add --bench "$bench" --node "$node" --verify "$verify" \
  --directory "$dir/run" --results "$dir/results" > "$dir/out"
cp "$dir/results/RESULTS.md" "$dir/out"
expect '^\* (l), (m), (n), (o), (o2): by a run of their own'
expect '^| (h) CPU seconds.* |.* | ≤ 60 | '
if grep -q '^| (l) .*not measured' "$dir/out" || grep -q '^| (h) .*not measured' "$dir/out"; then
  cat "$dir/out"
  exit 1
fi
python3 -c 'import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' "$dir/results/growth.svg"
