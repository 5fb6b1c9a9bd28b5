#!/bin/bash
# up.sh DIR NODES PORT
#
# Starts a real Slurm cluster of NODES virtual nodes on this machine. Everything lives below DIR: configuration, key, state, logs, sockets, pid
# files. Needs no systemd, no cgroups and no root; a cluster of an ordinary user runs only that user's jobs. Clients need
# SLURM_CONF=DIR/etc/slurm.conf. Ports PORT .. PORT+NODES are taken. Stop it with down.sh DIR.
#
# SLURM_EXTRA: more lines for slurm.conf. SLURM_TASK=task/cgroup: the kernel bounds the memory of jobs; needs root and a cgroup of version 1 for it.
# SLURM_DBD_PORT: with a slurmdbd there, so that accounts count.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2p' "$0" >&2; exit 2; }
dir=$(mkdir -p "$1" && cd "$1" && pwd); nodes=$2; port=$3
host=$(hostname -s); user=$(id -un)
[ ${#dir} -le 80 ] || { echo "up: $dir is too long for a unix socket path" >&2; exit 2; }
mkdir -p "$dir"/{etc,state,log,run,munge}; chmod 700 "$dir/munge"

# A munged with a key and a socket of its own: no system user, no system service.
[ -s "$dir/munge/key" ] || { head -c 128 /dev/urandom > "$dir/munge/key"; chmod 400 "$dir/munge/key"; }
munged --force --key-file="$dir/munge/key" --socket="$dir/run/munge.sock" --pid-file="$dir/run/munged.pid" \
       --log-file="$dir/log/munged.log" --seed-file="$dir/munge/seed" --num-threads=2

accounting=AccountingStorageType=accounting_storage/none
[ -z "${SLURM_DBD_PORT:-}" ] || accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$SLURM_DBD_PORT
AccountingStoragePass=$dir/run/munge.sock
AccountingStorageEnforce=associations,limits"
# Numbers of jobs begin with the port: workers of two clusters of this machine name their places by them.
cat > "$dir/etc/slurm.conf" <<CONF
ClusterName=c$port
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$dir/run/munge.sock
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/run/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=${SLURM_TASK:-task/none}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
SwitchType=switch/none
ReturnToService=1
JobRequeue=1
FirstJobId=$((port * 10))
KillWait=10
MinJobAge=300
SlurmdTimeout=10
SlurmctldTimeout=10
InactiveLimit=0
Waittime=0
MessageTimeout=30
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobcomp.txt
$accounting
${SLURM_EXTRA:-}
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=1-0 State=UP PriorityTier=1 PreemptMode=REQUEUE OverSubscribe=NO
PartitionName=urgent Nodes=n[1-$nodes] Default=NO MaxTime=1-0 State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=closed Nodes=n[1-$nodes] Default=NO MaxTime=1-0 State=DOWN
CONF
cat > "$dir/etc/cgroup.conf" <<CONF
CgroupPlugin=cgroup/v1
CgroupAutomount=no
CgroupMountpoint=/sys/fs/cgroup
ConstrainRAMSpace=yes
CONF
export SLURM_CONF="$dir/etc/slurm.conf"
[ -z "${SLURM_DBD_PORT:-}" ] || bash "$(dirname "$0")/accounting.sh" "$dir" "$SLURM_DBD_PORT" "c$port"

slurmctld -c -f "$SLURM_CONF"
for try in $(seq 1 600); do
  timeout 5 scontrol ping 2>/dev/null | grep -q 'is UP' && break
  [ "$try" = 600 ] && { echo "up: slurmctld does not answer" >&2; tail -5 "$dir/log/slurmctld.log" >&2; exit 1; }
  sleep 0.1
done
for node in $(seq 1 "$nodes"); do mkdir -p "$dir/run/n$node"; slurmd -c -N "n$node" -f "$SLURM_CONF"; done
for try in $(seq 1 600); do
  [ "$(timeout 5 sinfo -h -N -t idle -p main -o %N 2>/dev/null | wc -l)" = "$nodes" ] && exit 0
  sleep 0.1
done
echo "up: not every node became idle" >&2; timeout 5 sinfo -N -l >&2; tail -5 "$dir"/log/*.log >&2; exit 1
