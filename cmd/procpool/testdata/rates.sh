#!/bin/bash
# Lines a second and peak memory of procpool map, xargs, GNU parallel and CPython's Pool, in one run of some minutes:
#   rates.sh [LINES]       a million lines if not said
# What starts a process for each line gets a hundredth of them, and what is slower still a thousandth: its rate is that of
# fewer lines. Each line of the report says how many there were. Output is compared with what it should be.
set -euo pipefail
lines=${1:-1000000}
few=$((lines / 100)) fewest=$((lines / 1000))
test "$fewest" -ge 10 || { echo "rates.sh: $lines lines are too few: from 10000 on a rate means something" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
(cd "$here/../../.." && go build -o "$dir/procpool" ./cmd/procpool)
cd "$dir"
PATH=$dir:$PATH

seq -f 'line %.0f of a file with text as people have it, some sixty bytes' "$lines" >in
head -n "$few" in >few
head -n "$fewest" in >fewest
sed s/line/row/ in >rows
tr a-z A-Z <in >capitals
printf 'def up(s):\n    return s.upper()\n' >tools.py
cat >sums.py <<'P'
import hashlib, sys
for line in open(sys.argv[1], "rb"):
    print(hashlib.sha256(line.rstrip(b"\n")).hexdigest())
P
python3 sums.py in >sums
cat >imap.py <<'P'
import multiprocessing, sys
from tools import up
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        for line in pool.imap(up, map(str.rstrip, sys.stdin), chunksize=int(sys.argv[1])):
            print(line)
P
# measure.py NAME LINES WANT COMMAND: runs it and tells how that went. WANT is a file with what it should print, or - if
# only the number of lines can be known. Memory is the largest sum, over the command and all its descendants, of the
# proportional set sizes, looked at every 50 ms: pages that processes share count once. What lives shorter may be missed.
cat >measure.py <<'P'
import filecmp, os, signal, subprocess, sys, threading, time

LIMIT = 120  # seconds

def descendants(root):
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                parent = f.read().rpartition(")")[2].split()[1]
        except OSError:
            continue  # it is gone
        children.setdefault(int(parent), []).append(int(pid))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found

def proportional(pid):
    try:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0

name, lines, want, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
over, peak = threading.Event(), 0

def watch(root):
    global peak
    while True:
        peak = max(peak, sum(map(proportional, descendants(root))))
        if over.wait(0.05):
            return

with open("out", "wb") as out:
    began = time.monotonic()
    p = subprocess.Popen(["/bin/bash", "-c", command], stdout=out, start_new_session=True)
    watcher = threading.Thread(target=watch, args=(p.pid,))
    watcher.start()
    try:
        code = p.wait(LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        code = p.wait()
    took = time.monotonic() - began
    over.set()
    watcher.join()
with open("out", "rb") as f:
    printed = sum(1 for _ in f)
wrong = ""
if took >= LIMIT:
    wrong = "   GIVEN UP after %d lines" % printed
elif code != 0 or printed != lines:
    wrong = "   WRONG: %d lines, exit code %d" % (printed, code)
elif want != "-" and not filecmp.cmp("out", want, shallow=False):
    wrong = "   WRONG: not what it should print"
print("%-42s %8d lines %9.0f/s %6.1f s %5.0f MiB in all processes%s" % (name, lines, printed / took, took, peak / 1024, wrong))
sys.exit(1 if "WRONG" in wrong else 0)
P
status=0
measure() { python3 measure.py "$@" || status=1; }
have() { command -v "$1" >/dev/null || { echo "$1 is missing: left out"; return 1; }; }

echo "$lines lines, $(stat -c %s in) bytes, on $(nproc) processors, two workers each"
measure 'procpool map sha256' "$lines" sums 'procpool map -p 2 sha256 in'
measure 'procpool map --lines -- sed -u' "$lines" rows 'procpool map -p 2 --lines -- sed -u s/line/row/ <in'
measure 'procpool map --python' "$lines" capitals 'procpool map -p 2 --python tools.py:up in'
measure 'procpool map --log sha256' "$lines" sums 'procpool map -p 2 --log log sha256 in'
if have parallel; then measure 'parallel --pipe -k sed (blocks of lines)' "$lines" rows 'parallel -j2 --pipe -k sed s/line/row/ <in'; fi
measure 'xargs -P 2 -n 1000 printf (1000 at a time)' "$lines" - 'tr "\n" "\0" <in | xargs -0 -P 2 -n 1000 printf "%s\n"'
measure 'CPython Pool.imap, chunksize 1' "$lines" capitals 'python3 imap.py 1 <in'
measure 'CPython Pool.imap, chunksize 100' "$lines" capitals 'python3 imap.py 100 <in'
echo "a process for each line:"
measure 'procpool map --exec echo' "$few" few 'procpool map -p 2 --exec "echo {}" few'
measure 'xargs -P 2 -n 1 echo (order is lost)' "$few" - 'tr "\n" "\0" <few | xargs -0 -P 2 -n 1 echo'
if have parallel; then measure 'parallel -k echo' "$fewest" fewest 'parallel -j2 -k echo <fewest'; fi
exit $status
