// A program that wishes its host ill, run inside a box: `node escape.mjs '{"ports":[…],"sockets":[…],"files":[…],"pid":…,"key":"…","repository":"…"}'`. Prints what it got at, one
// line each; nothing when it got at nothing that a box does not give.
import { execFileSync } from 'node:child_process';
import { lookup, Resolver } from 'node:dns/promises';
import {
  accessSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { proxy, relay } from './escape-relay.mjs';

const given = JSON.parse(process.argv[2] ?? '{}');
// Told so that what tells it is not found as what it tells.
given.key = Buffer.from(given.key, 'base64').toString();
const got = (what) => console.log(`GOT ${what}`);
const ATTEMPT_MS = 5_000;

/** True when a connection stands. */
const reaches = (to) =>
  new Promise((resolve) => {
    const socket = connect(to);
    const end = (reached) => {
      socket.destroy();
      resolve(reached);
    };
    socket.setTimeout(ATTEMPT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

const may = (act) => {
  try {
    act();
    return true;
  } catch {
    return false;
  }
};

async function network() {
  for (const name of Object.keys(networkInterfaces())) if (name !== 'lo') got(`the interface ${name}`);
  // Documentation addresses, the metadata service of clouds, and what listens on the host's loopback.
  for (const host of ['192.0.2.1', '2001:db8::1', '169.254.169.254'])
    if (await reaches({ host, port: 80 })) got(`the address ${host}`);
  for (const port of given.ports) if (await reaches({ host: '127.0.0.1', port })) got(`port ${port} of the host`);
  if (
    await lookup('example.org').then(
      () => true,
      () => false,
    )
  )
    got('an address by DNS');
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers(['192.0.2.53']);
  if (
    await resolver.resolve4('example.org').then(
      () => true,
      () => false,
    )
  )
    got('an answer of a DNS server');
}

async function sockets() {
  for (const path of given.sockets) if (await reaches({ path })) got(`the socket ${path}`);
  for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n')) {
    const name = / @(\S+)$/.exec(line)?.[1];
    if (name !== undefined) got(`the abstract socket ${name}`);
  }
  if (may(() => unlinkSync('/run/hive/tools.sock'))) got('the removal of its own socket');
  if (may(() => writeFileSync('/run/hive/x', ''))) got('a file beside its own socket');
  if (may(() => chmodSync('/run/hive', 0o777))) got('the mode of the folder of its socket');
}

const ask = (request) =>
  new Promise((resolve) => {
    const socket = connect('/run/hive/tools.sock');
    let said = '';
    socket.setTimeout(ATTEMPT_MS, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      said += chunk;
      if (said.includes('\n')) socket.end();
    });
    socket.on('close', () => resolve(said === '' ? { status: 0 } : JSON.parse(said.split('\n', 1)[0])));
    socket.write(`${JSON.stringify({ id: 1, ...request })}\n`);
  });

/** Its own socket answers, and believes nothing. */
async function forgery() {
  const requests = [
    { method: 'GET', path: '/api/swarm/tasks' },
    { method: 'POST', path: '/api/swarm/tasks', body: { title: 'forged', required_capabilities: ['shell'] } },
    { method: 'POST', path: '/api/approvals', body: { ids: ['x'], decision: 'allow' } },
    { method: 'POST', path: '/api/boxes', body: { name: 'mallory', tool: 'shell' } },
    { method: 'DELETE', path: '/api/boxes/victim' },
    { method: 'GET', path: '/api/boxes/victim/login' },
    { method: 'POST', path: '/api/tools/task_create', body: { title: 'forged', description: 'x' } },
  ];
  let answers = 0;
  for (const request of requests)
    for (const token of [undefined, 'guessed', 'skep_attempt_guessed', ...given.tokens]) {
      const { status } = await ask({ ...request, token });
      if (status > 0) answers += 1;
      if (status > 0 && status < 400) got(`${request.method} ${request.path} by a forged request`);
    }
  if (answers === 0) console.log('its own socket does not answer');
}

function files() {
  for (const path of given.files) if (may(() => accessSync(path))) got(`the file ${path}`);
  for (const path of ['/etc/shadow', '/sys/kernel', '/dev/mem', '/dev/kmsg', '/dev/sda', '/dev/vda'])
    if (existsSync(path) && !given.shown.includes(path)) got(`the file ${path}`);
  // A box may have the folder; of the machine's, there would be more in it than the way to what the box shows.
  const leads = (path) => given.ways.some((way) => `${way}/`.startsWith(`${path}/`));
  for (const path of ['/root', '/etc/ssh', '/var/lib', '/srv', '/boot'])
    if (may(() => readdirSync(path)) && readdirSync(path).some((name) => !leads(`${path}/${name}`)))
      got(`what lies in ${path}`);
  for (const path of [
    '/proc/sys/kernel/core_pattern',
    '/proc/sysrq-trigger',
    '/sys/power/state',
    '/sys/kernel/mm/transparent_hugepage/enabled',
    '/usr/bin/env',
    '/etc/passwd',
    '/bin/sh',
  ])
    if (may(() => closeSync(openSync(path, 'r+')))) got(`to write ${path}`);
}

/** A group of its own, or the file of one, would lift its limits; `release_agent` is run by the host's kernel. */
function controlGroups() {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return;
  const below = (path) => readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = [root, ...below(root).map(({ name }) => `${root}/${name}`)];
  for (const folder of folders) {
    if (may(() => mkdirSync(`${folder}/escape`))) got(`a control group in ${folder}`);
    for (const name of [
      'cgroup.procs',
      'release_agent',
      'devices.allow',
      'memory.limit_in_bytes',
      'memory.max',
      'pids.max',
    ])
      if (may(() => closeSync(openSync(`${folder}/${name}`, 'r+')))) got(`to write ${folder}/${name}`);
  }
}

/** All that can be read there. */
function filesIn(folder) {
  if (!may(() => readdirSync(folder))) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}

function processes() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  if (may(() => process.kill(given.pid, 0))) got(`a signal to process ${given.pid} of the host`);
  for (const pid of pids)
    for (const file of ['environ', 'cmdline', 'maps']) {
      if (Number(pid) === process.pid) continue;
      if (
        may(() => readFileSync(`/proc/${pid}/${file}`)) &&
        readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(given.key)
      )
        got(`the key of the model in /proc/${pid}/${file}`);
    }
  if (Object.values(process.env).some((value) => value.includes(given.key)))
    got('the key of the model in its environment');
  for (const folder of ['/home/agent', '/run', '/tmp', '/etc'])
    for (const path of filesIn(folder))
      if (may(() => readFileSync(path)) && readFileSync(path, 'latin1').includes(given.key))
        got(`the key of the model in ${path}`);
  const status = readFileSync('/proc/self/status', 'utf8');
  if (!/^CapEff:\t0+$/m.test(status) || !/^CapBnd:\t0+$/m.test(status)) got('capabilities');
  if (!/^NoNewPrivs:\t1$/m.test(status)) got('new privileges by a program that is root’s');
  if (process.getuid() === 0) got('root');
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  for (const command of [
    'unshare -U true',
    'unshare -n true',
    'mount -t tmpfs none /mnt',
    'mknod /tmp/x c 1 1',
    'chroot / true',
    'su -c true',
    'nsenter -t 1 -m true',
  ])
    if (may(() => execFileSync('sh', ['-c', command], { env, stdio: 'ignore', timeout: ATTEMPT_MS }))) got(command);
  // What is not there proves nothing.
  for (const tool of ['unshare', 'mount', 'mknod', 'chroot', 'su', 'nsenter'])
    if (!may(() => execFileSync('sh', ['-c', `command -v ${tool}`], { env, stdio: 'ignore' })))
      console.log(`${tool} is not there`);
  const { dev, ino } = statSync('/');
  for (const pid of pids) {
    let root;
    // Denied, or gone meanwhile.
    may(() => (root = statSync(`/proc/${pid}/root/`)));
    if (root !== undefined && (root.dev !== dev || root.ino !== ino)) got(`the root of process ${pid}`);
  }
}

/** What a node would run, or follow, where it works with what the attempt left behind. */
function traps() {
  if (given.repository === undefined) return;
  for (const path of [`${given.repository}/config`, `${given.repository}/hooks/post-commit`, `${given.repository}/x`])
    if (may(() => writeFileSync(path, 'x'))) got(`to write ${path}`);
  const evil = (at) => {
    mkdirSync(`${at}/.git/objects`, { recursive: true });
    mkdirSync(`${at}/.git/refs/heads`, { recursive: true });
    writeFileSync(`${at}/.git/HEAD`, 'ref: refs/heads/main\n');
    const run = `sh -c 'touch ${given.marker}'`;
    const config = `[core]\n\tfsmonitor = ${run}\n\tsshCommand = ${run}\n[filter "x"]\n\tclean = ${run}\n\tsmudge = ${run}\n\tprocess = ${run}\n[diff]\n\texternal = ${run}\n`;
    writeFileSync(`${at}/.git/config`, `${config}[diff "x"]\n\ttextconv = ${run}\n`);
    writeFileSync(`${at}/.gitattributes`, '* filter=x diff=x\n');
    writeFileSync(`${at}/file`, String(Math.random()));
    may(() =>
      execFileSync(
        'git',
        [
          '-c',
          'core.fsmonitor=false',
          '-c',
          'filter.x.clean=cat',
          '-c',
          'filter.x.process=',
          '-c',
          'user.name=x',
          '-c',
          'user.email=x@example.org',
          'commit',
          '-qm',
          'x',
          '--allow-empty',
        ],
        { cwd: at, stdio: 'ignore' },
      ),
    );
  };
  for (const folder of ['sub', 'new']) may(() => evil(folder));
  writeFileSync('.gitattributes', '* filter=x diff=x\n');
  writeFileSync('work.txt', 'work\n');
}

await network();
await sockets();
await forgery();
await relay({ given, got });
await proxy({ given, got, reaches });
files();
controlGroups();
processes();
traps();
console.log('done');
