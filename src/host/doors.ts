/** The doors of a node: HTTP, the admin socket, and the socket of its agents. */
import { join } from 'node:path';
import { openDoor } from '#door/door.ts';
import type { HttpDoor } from '#door/http.ts';
import { startHttp } from '#door/http.ts';
import { startHub } from '#door/hub/serve.ts';
import { FRAMES_PER_S } from '#door/hub/session.ts';
import { startRelay } from '#door/relay/relay.ts';
import { startHiveSocket } from '#door/hive-socket.ts';
import { localOperator, startAdminSocket, startAgentSocket, startBoxSocket } from '#door/socket.ts';
import { Tokens } from '#door/tokens.ts';
import { Webhooks } from '#door/webhook/webhooks.ts';
import type { NodeOptions } from '../host-options.ts';
import { AgentSockets } from './agent-sockets.ts';
import { makeSocketDir, socketPath } from '../socket-path.ts';
import type { BoxDesk } from './box-desk.ts';
import type { Closers, Parts } from './parts.ts';
import type { RelayDesk } from './relay-desk.ts';
import type { HostedNode } from './swarm-node.ts';
import { agentSocketPath } from './agent-socket-path.ts';

type Wiring = {
  o: NodeOptions;
  parts: Parts;
  node: HostedNode;
  closers: Closers;
  stopping: PromiseWithResolvers<Error | undefined>;
  boxDesk: BoxDesk;
  relayDesk: RelayDesk;
};

/** Who speaks so often also types, asks and answers in that measure. */
const paceOf = (perSecond: number) =>
  perSecond === 0
    ? { messageMs: 0, framesPerS: Infinity }
    : { messageMs: 1_000 / perSecond, framesPerS: FRAMES_PER_S * perSecond };

/** Opens them in this order; `closers` closes them again. Rejects with what to do when one cannot be opened. */
export async function openDoors({ o, parts, node, closers, stopping, boxDesk, relayDesk }: Wiring): Promise<HttpDoor> {
  const tokens = await Tokens.open({ dataDir: o.dataDir, now: Date.now, environmentToken: process.env['SKEP_TOKEN'] });
  const door = openDoor({
    node,
    tokens,
    now: Date.now,
    onFault: (error, where) => o.log(`${where} failed: ${error instanceof Error ? error.message : String(error)}`),
    front: o.front,
    stopped: stopping.promise,
  });
  closers.add(() => door.close());
  const webhooks = new Webhooks({ door, path: join(parts.stateDir, 'webhooks.json'), log: o.log });
  door.webhooks.open = webhooks;
  closers.add(() => webhooks.close());
  const tls =
    o.tlsCert === undefined || o.tlsKey === undefined ? undefined : { certFile: o.tlsCert, keyFile: o.tlsKey };
  const http = await startHttp({ door, port: o.httpPort, bind: o.httpBind, tls, behindProxy: o.behindProxy });
  closers.add(() => http.close());
  if (o.hubPort !== undefined && o.hubPort !== 0) {
    const isBehindProxy = o.behindProxy !== undefined;
    const where = { port: o.hubPort, bind: o.hubBind ?? '127.0.0.1', isOpen: o.hubKeys === 'any', isBehindProxy };
    const hub = await startHub({ door, tls, ...where, ...paceOf(o.hubPace ?? 1) });
    closers.add(() => hub.close());
    o.log(`the hub listens at ${hub.url}`);
  }
  const path = socketPath(parts.stateDir, 'admin');
  makeSocketDir(path);
  const socket = await startAdminSocket({ door, path });
  closers.add(() => socket.close());
  const agentsPath = agentSocketPath(parts.stateDir);
  makeSocketDir(agentsPath);
  const agents = await startAgentSocket({ door, path: agentsPath });
  closers.add(() => agents.close());
  const sockets = new AgentSockets({
    self: node.info.self,
    stateDir: parts.stateDir,
    store: parts.store,
    door,
    log: o.log,
  });
  const stop = node.onArrivals((arrivals) => sockets.arrived(arrivals));
  closers.add(() => {
    stop();
    return sockets.close();
  });
  await sockets.start();
  closers.add(node.onArrivals((arrivals) => boxDesk.arrived(arrivals)));
  closers.add(() => boxDesk.close());
  await boxDesk.start({
    tools: (socket) => startBoxSocket({ door, path: socket }),
    relay: (socket, agent) => startRelay({ path: socket, agent: relayDesk.of(agent) }),
    hive: (socket) => startHiveSocket({ door, path: socket, caller: localOperator() }),
  });
  return http;
}
