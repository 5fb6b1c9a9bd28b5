#!/bin/bash
# accounting.sh DIR PORT CLUSTER
#
# Starts a real MariaDB (a socket only) and a real slurmdbd below DIR, whose munged runs, and makes the cluster known to it. Called by up.sh.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2p' "$0" >&2; exit 2; }
dir=$1; port=$2; cluster=$3; maria=$dir/maria; socket=$dir/run/maria.sock; as=
[ "$(id -u)" != 0 ] || as=--user=root
mkdir -p "$maria"
mariadb-install-db --no-defaults $as --datadir="$maria" --auth-root-authentication-method=normal --skip-test-db > "$dir/log/maria-install.log" 2>&1
# Nothing of it outlives the test: no wait for the disk.
setsid mariadbd --no-defaults $as --datadir="$maria" --socket="$socket" --skip-networking --pid-file="$dir/run/maria.pid" \
  --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0 > "$dir/log/maria.log" 2>&1 < /dev/null &
sql() { timeout 30 mariadb --no-defaults -S "$socket" -u root -e "$1"; }
for try in $(seq 1 600); do
  sql 'select 1' > /dev/null 2>&1 && break
  [ "$try" = 600 ] && { echo "accounting: mariadbd does not answer" >&2; tail -5 "$dir/log/maria.log" >&2; exit 1; }
  sleep 0.1
done
sql "create database slurm_acct_db; create user 'slurm'@'localhost' identified by 'x'; grant all on slurm_acct_db.* to 'slurm'@'localhost';"
cat > "$dir/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$port
SlurmUser=$(id -un)
PidFile=$dir/run/slurmdbd.pid
LogFile=$dir/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=x
StorageLoc=slurm_acct_db
CONF
chmod 600 "$dir/etc/slurmdbd.conf"
# It looks for slurmdbd.conf beside the file that SLURM_CONF names; the client library takes the socket of localhost from MYSQL_UNIX_PORT.
MYSQL_UNIX_PORT="$socket" slurmdbd
for try in $(seq 1 600); do
  timeout 10 sacctmgr -i add cluster "$cluster" > "$dir/log/sacctmgr.log" 2>&1 && exit 0
  sleep 0.1
done
echo "accounting: slurmdbd does not answer" >&2; tail -5 "$dir/log/slurmdbd.log" "$dir/log/sacctmgr.log" >&2; exit 1
