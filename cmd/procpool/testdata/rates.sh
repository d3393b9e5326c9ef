#!/bin/bash
# Lines a second and peak memory of procpool map, xargs, GNU parallel and CPython's Pool, in one run:
#   rates.sh [LINES]       a million lines if not said; what starts a process for each line gets a hundredth of them
set -euo pipefail
lines=${1:-1000000}
few=$((lines / 100))
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
(cd "$here/../../.." && go build -o "$dir/procpool" ./cmd/procpool)
cd "$dir"
PATH=$dir:$PATH

seq -f 'line %.0f of a file with text as people have it, some sixty bytes' "$lines" >in
head -n "$few" in >few
printf 'def up(s):\n    return s.upper()\n' >tools.py
cat >imap.py <<'P'
import multiprocessing, sys
from tools import up
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        for line in pool.imap(up, map(str.rstrip, sys.stdin), chunksize=int(sys.argv[1])):
            print(line)
P
cat >measure.py <<'P'
import resource, subprocess, sys, time
name, lines, command = sys.argv[1], int(sys.argv[2]), sys.argv[3]
began = time.time()
code = subprocess.call(command, shell=True, stdout=open("out", "wb"))
took = time.time() - began
printed = sum(1 for _ in open("out", "rb"))
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print("%-44s %10.0f lines/s %7.1f s %6.0f MiB in the largest process%s" %
      (name, lines / took, took, peak, "" if printed == lines and code == 0 else "   WRONG: %d lines, exit %d" % (printed, code)))
P
measure() { python3 measure.py "$@"; }
have() { command -v "$1" >/dev/null || { echo "$1 is missing: left out"; return 1; }; }

echo "$lines lines on $(nproc) processors"
measure 'procpool map sha256' "$lines" 'procpool map -p 2 sha256 in'
measure 'procpool map --lines -- sed -u' "$lines" 'procpool map -p 2 --lines -- sed -u s/line/row/ <in'
measure 'procpool map --python' "$lines" 'procpool map -p 2 --python tools.py:up in'
measure 'procpool map --log sha256' "$lines" 'procpool map -p 2 --log log sha256 in'
have parallel && measure 'parallel --pipe -k sed (blocks of lines)' "$lines" 'parallel -j2 --pipe -k sed s/line/row/ <in'
measure 'CPython Pool.imap, chunksize 1' "$lines" 'python3 imap.py 1 <in'
measure 'CPython Pool.imap, chunksize 100' "$lines" 'python3 imap.py 100 <in'
echo "a process for each line, $few lines:"
measure 'procpool map --exec echo' "$few" 'procpool map -p 2 --exec "echo {}" few'
measure 'xargs -P 2 -n 1 echo (order is lost)' "$few" 'tr "\n" "\0" <few | xargs -0 -P 2 -n 1 echo'
have parallel && measure 'parallel -k echo' "$few" 'parallel -j2 -k echo <few'
