/**
 * The admin socket: the table of routes as JSON lines on a unix socket, for this machine's user and group. One request a line, answered as soon
 * as it is done, in any order:
 *
 *     {"id":1,"method":"POST","path":"/api/swarm/tasks","body":{"title":"x"}}   →   {"id":1,"status":201,"body":{…}}
 *     {"id":2,"method":"GET","path":"/api/events"}   →   {"id":2,"event":"snapshot","data":{…}} …   until {"id":2,"cancel":true}
 */
import { chmod } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import type { Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import type { DoorCaller } from './caller.ts';
import { agentCaller, unknownToken } from './caller.ts';
import type { Door } from './door.ts';
import type { CallerOf } from './socket-client.ts';
import { SocketClient } from './socket-client.ts';
import { clearSocket, closeServer, keepBound, openServer } from './socket-server.ts';

/** Clients at once: command lines and benches of one machine. */
const CLIENTS_MAX = 256;

export type DoorSocket = { close(): Promise<void> };

/** Whoever may open a socket of the host. */
export const localOperator = (): DoorCaller => ({ principal: localPrincipal(), role: 'operator' });

/** The admin socket: whoever may open it is an operator. */
export function startAdminSocket(o: { door: Door; path: string }): Promise<DoorSocket> {
  const caller = localOperator();
  return listen({ ...o, mode: 0o660, callerOf: () => caller });
}

/**
 * The socket of this node's agents. Each request shows the secret of its attempt, and reaches what the policy's table lets an agent do:
 *
 *     {"id":1,"token":"skep_attempt_…","method":"POST","path":"/api/tools/task_complete","body":{"summary":"Done."}}
 */
export function startAgentSocket(o: { door: Door; path: string }): Promise<DoorSocket> {
  return listen({ ...o, mode: 0o600, callerOf: attemptOf(o.door) });
}

/** The same in the folder of one agent's sockets, which a box shows: bound anew when it is removed. */
export function startBoxSocket(o: { door: Door; path: string }): Promise<DoorSocket> {
  return listen({ ...o, mode: 0o600, callerOf: attemptOf(o.door), isKept: true });
}

const attemptOf =
  (door: Door): CallerOf =>
  ({ token }) =>
    (token === undefined ? undefined : agentCaller(token, door)) ?? unknownToken();

/**
 * Listens at `path`, whose folder exists, in the place of whatever an earlier node left there: the caller holds the lock of the data directory.
 * Rejects when something that is no socket lies there, or when the system refuses.
 */
async function listen(o: {
  door: Door;
  path: string;
  mode: number;
  callerOf: CallerOf;
  isKept?: true;
}): Promise<DoorSocket> {
  await clearSocket(o.path);
  const clients = new Set<Socket>();
  const onFault = (error: unknown): void => o.door.onFault(error, `the socket ${o.path}`);
  const server = await openServer({
    path: o.path,
    clientsMax: CLIENTS_MAX,
    onClient: (socket) => {
      clients.add(socket);
      socket.once('close', () => clients.delete(socket));
      new SocketClient(socket, o.callerOf, o.door).start();
    },
    onFault,
  });
  await chmod(o.path, o.mode);
  const kept = o.isKept === true ? keepBound({ server, path: o.path, mode: o.mode, onFault }) : undefined;
  const close = async (): Promise<void> => {
    await kept?.close();
    await closeServer(server, clients);
  };
  let closing: Promise<void> | undefined;
  return { close: () => (closing ??= close()) };
}

/** Whoever may open the socket is the user that this node runs as, or of its group: the system gives no finer answer. */
function localPrincipal(): Principal {
  try {
    const { username } = userInfo();
    return userPrincipal(/^[^\s:][^\s]{0,63}$/.test(username) ? username : 'local');
  } catch {
    // A user id without a name, as in a container, is no fault.
    return userPrincipal('local');
  }
}
