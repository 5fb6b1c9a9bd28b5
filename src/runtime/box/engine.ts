/** What differs between the engines that run containers. Everything a box promises is the same by both. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { BoxSpec } from '#box-ports.ts';
import { AGENT_ID } from './folder.ts';
import { SHUT, LIMIT_FOLDER } from './nspawn-scripts.ts';
import { layProfile } from './seccomp.ts';
import { words } from './words.ts';

export type EngineName = 'podman' | 'docker';

type Fault = { says: RegExp; wayOut: string };

export type Engine = {
  /** As people call it. */
  title: string;
  install: string;
  /** Asks whether it is there and runs; says its version. */
  version: readonly string[];
  /** Succeeds where the image is there. */
  exists: (image: string) => string[];
  remove: readonly string[];
  /** What it needs itself of its node's environment. Nothing of it goes in. */
  own: readonly string[];
  /** Words of a run, beside those that are the same for all. */
  fixed: (spec: Pick<BoxSpec, 'directory'>) => string[];
  tmp: string;
  /** Where it begins. */
  place: (cwd: string) => string[];
  /** What it runs, so that this runs as the agent, with no right, in that folder. */
  opened: (cwd: string, argv: readonly string[]) => string[];
  /** How it fails on a machine that does not let it do what it is used to. */
  faults: readonly Fault[];
};

/** Ids of a container, mapped to those of the machine one by one: the agent is whoever runs the node, and what is root's in the image is nobody's. */
const IDS = [`0:1:${AGENT_ID}`, `${AGENT_ID}:0:1`, `${AGENT_ID + 1}:${AGENT_ID + 1}:${65_535 - AGENT_ID}`];

/** The first two are known by heart. */
const PODMAN_FAULTS: readonly Fault[] = [
  {
    says: /setrlimit\s.*Operation not permitted|RLIMIT_N|error setting rlimit/i,
    wayOut:
      'no hard limit may be raised here: set default_ulimits = ["nofile=N:N", "nproc=M:M"] under [containers] in containers.conf, at most what `ulimit -Hn` and `ulimit -Hu` say',
  },
  {
    says: /cgroups? in hybrid mode not supported/i,
    wayOut:
      'crun does not run with both versions of control groups: install runc and set runtime = "runc" and cgroup_manager = "cgroupfs" under [engine] in containers.conf',
  },
  {
    says: /newuidmap|subuid|subgid/i,
    wayOut: 'install uidmap, and give this user a line in /etc/subuid and /etc/subgid',
  },
  {
    says: /permission denied|not permitted/i,
    wayOut: 'run the node as root, or set Podman up for its user: `podman run` must work for it',
  },
];

const PODMAN: Engine = {
  title: 'Podman',
  install: 'apt-get install podman runc uidmap catatonit',
  version: ['--version'],
  exists: (image) => ['image', 'exists', image],
  remove: words('rm --force --ignore --time 0'),
  own: words('PATH HOME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME CONTAINERS_CONF CONTAINERS_STORAGE_CONF'),
  fixed: ({ directory }) => [
    ...words(`--no-hosts --user ${AGENT_ID}:${AGENT_ID} --security-opt seccomp=${layProfile(directory)}`),
    ...IDS.flatMap((map) => ['--uidmap', map, '--gidmap', map]),
  ],
  tmp: 'rw,nosuid,nodev,mode=1777',
  place: (cwd) => ['--workdir', cwd],
  opened: (_cwd, argv) => [...argv],
  faults: PODMAN_FAULTS,
};

const DOCKER_FAULTS: readonly Fault[] = [
  {
    says: /Cannot connect to the Docker daemon|docker daemon running/i,
    wayOut:
      'start it (`systemctl start docker`), or say where it listens by DOCKER_HOST in the environment of the node',
  },
  {
    says: /permission denied while trying to connect|dial unix .*permission denied/i,
    wayOut: 'run the node as root, or put its user into the group docker: whoever is in it may do what root may',
  },
  {
    says: /executable file not found|unrecognized option|not found/i,
    wayOut: 'a box is shut by sh, env, unshare and setpriv of its image: packages coreutils and util-linux of Debian',
  },
  {
    says: /unshare: |uid_map|max_user_namespaces|not permitted/i,
    wayOut: 'this machine must let containers make user namespaces; with Podman instead, none is made inside',
  },
];

/**
 * Docker maps no ids for one container alone. So the box shuts itself from within, as one of nspawn does: it begins as whoever runs the node, with
 * the rights to make a user namespace and to say who is who in it, makes it, bounds it, and gives all rights up before the agent's first word.
 */
const DOCKER: Engine = {
  title: 'Docker',
  install: 'apt-get install docker.io, and start its daemon',
  version: ['version', '--format', 'Docker {{.Server.Version}}'],
  exists: (image) => ['image', 'inspect', '--format', '{{.Id}}', image],
  remove: words('rm --force'),
  own: words('PATH HOME DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY'),
  fixed: () => [
    ...words(`--user ${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0} --cap-add SYS_ADMIN --cap-add SETFCAP`),
    ...words(`--volume /proc/sys/user:${LIMIT_FOLDER}`),
  ],
  tmp: 'rw,exec,nosuid,nodev,mode=1777',
  // It would make a folder that is not there; what shuts the box goes there by itself, or says that it cannot.
  place: () => [],
  opened: (cwd, argv) => [
    ...words(`unshare --user --keep-caps --map-user=${AGENT_ID} --map-group=${AGENT_ID} -- /bin/sh -c`),
    SHUT,
    cwd,
    ...argv,
  ],
  faults: DOCKER_FAULTS,
};

export const ENGINES: Readonly<Record<EngineName, Engine>> = { podman: PODMAN, docker: DOCKER };

/** Podman, unless only Docker is on PATH. */
export function engineHere(): EngineName {
  return !isOnPath('podman') && isOnPath('docker') ? 'docker' : 'podman';
}

const isOnPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this one.
      return false;
    }
  });
