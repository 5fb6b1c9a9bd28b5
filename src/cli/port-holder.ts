/** Who holds a port of this machine: read from `/proc`, so that nothing need be installed. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';

export type Protocol = 'tcp' | 'udp';

/** Undefined when the port is free at this address; else the system's word for why not. */
export function whyTaken(port: number, o: { protocol: Protocol; address: string }): Promise<string | undefined> {
  return o.protocol === 'tcp' ? tcpTaken(port, o.address) : udpTaken(port, o.address);
}

function tcpTaken(port: number, address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(wordOf(error)));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function udpTaken(port: number, address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', reuseAddr: true });
    socket.once('error', (error) => resolve(wordOf(error)));
    socket.bind({ port, address }, () => socket.close(() => resolve(undefined)));
  });
}

const wordOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message;

export type Holder = { pid: number; command: string };

/** The process that listens on the port; undefined when it is another user's, or where there is no `/proc`. */
export async function holderOf(port: number, protocol: Protocol): Promise<Holder | undefined> {
  const inodes = new Set([
    ...(await inodesOf(`/proc/net/${protocol}`, port)),
    ...(await inodesOf(`/proc/net/${protocol}6`, port)),
  ]);
  if (inodes.size === 0) return undefined;
  for (const pid of await listed('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of await listed(`/proc/${pid}/fd`)) {
      const target = await linkTarget(`/proc/${pid}/fd/${descriptor}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined && inodes.has(inode)) return { pid: Number(pid), command: await commandOf(pid) };
    }
  }
  return undefined;
}

/** TCP sockets that listen (state 0A) and UDP sockets that are bound (07), by inode. */
async function inodesOf(table: string, port: number): Promise<string[]> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return (await content(table)).split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const held = fields[1]?.endsWith(`:${hex}`) === true && (fields[3] === '0A' || fields[3] === '07');
    return held && fields[9] !== undefined ? [fields[9]] : [];
  });
}

async function commandOf(pid: string): Promise<string> {
  const words = (await content(`/proc/${pid}/cmdline`)).split('\0').filter((word) => word !== '');
  return words.join(' ');
}

// What a process has open may vanish or be somebody else's at any moment; to this search that is the same as not being there.
const content = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
const listed = (path: string): Promise<string[]> => readdir(path).catch(() => []);
const linkTarget = (path: string): Promise<string> => readlink(path).catch(() => '');
