/** The composition root: the only place that knows real time and real adapters. One call makes a node of them, `close` takes it apart again. */
import { existsSync, statSync } from 'node:fs';
import type { NodeId, OpId } from '#core/brand.ts';
import { FULL_LINKS_MAX } from '#core/overlay.ts';
import type { Action } from '#core/turn.ts';
import { isLiveProject } from '#core/view/project.ts';
import type { CoreSettings, Lack } from '#core/world.ts';
import { nodeCrypto } from '#fabric/identity.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import type { NodeInfo } from '#ports.ts';
import type { NodeOptions, RunningNode } from './host-options.ts';
import { agentsOf, textsAndDelivery } from './host/agents.ts';
import { bindAddresses, dialAddresses, learnAddresses } from './host/addresses.ts';
import { Backups } from './host/backup.ts';
import { BlobTransfer } from './host/blob-transfer.ts';
import { openDoors } from './host/doors.ts';
import { Engine, realClock } from './host/engine.ts';
import { refusalIn } from './host/exclusion.ts';
import type { HostedFleet } from './host/fleet.ts';
import { Glimpses } from './host/glimpses.ts';
import { Intake } from './host/intake.ts';
import { Journal } from './host/journal.ts';
import { mailOf } from './host/mail.ts';
import { Opening } from './host/opening.ts';
import { Outputs } from './host/outputs.ts';
import type { Parts } from './host/parts.ts';
import { Closers, openParts } from './host/parts.ts';
import { announce, checkAdopted } from './host/registration.ts';
import { Remote } from './host/remote.ts';
import { joinCodeOf } from './host/secrets.ts';
import { isUrl, Sources } from './host/sources.ts';
import { HostedNode } from './host/swarm-node.ts';
import { RefRetention } from './host/retention.ts';
import { Sealing } from './host/sealing.ts';
import { installedTools } from './host/terminal-environment.ts';
import type { TerminalAgents } from './host/terminal-agents.ts';
import { DeliveredWork } from './host/work.ts';

/** Agents that are to end with the node get so long to end by themselves. */
const KILL_GRACE_MS = 3_000;
/** A grantee silent for so long may be called lost by a voter, unless the options say otherwise. */
const LEASE_MS = 120_000;
/** Nodes of an earlier life that are dialled again at the start. */
const KNOWN_NODES_MAX = 256;

/** Starts a node. Throws an `Error` whose message says what to do when it cannot; nothing stays open then. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const closers = new Closers();
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closers.closeAll(() => {});
    throw error;
  }
}

async function assemble(o: NodeOptions, closers: Closers): Promise<RunningNode> {
  const parts = await openParts(o, closers);
  checkAdopted(parts.store, parts.identity.node);
  const bind = bindAddresses(o.bind);
  const transport = new MeshTransport({
    identity: parts.identity,
    secret: parts.secret,
    seeds: parts.seeds,
    bind,
    listen: bind.length > 0,
    port: o.p2pPort,
    httpPort: o.httpPort,
    discoveryPort: o.discoveryPort,
    refusal: refusalIn(parts.store),
    onDeaf: (reason) =>
      o.log(`nodes are not found by broadcast (UDP port ${o.discoveryPort}): ${reason}; name some with --seeds`),
    onRefused: (address, why, by) => o.log(`${by === 'peer' ? 'refused by' : 'refused'} ${address}: ${why.message}`),
  });
  const addresses = dialAddresses(bind, o.p2pPort);
  const info: NodeInfo = { ...parts.info, httpPort: o.httpPort, p2pPort: o.p2pPort };
  const stopping = Promise.withResolvers<Error | undefined>();
  const wired = wire({ o, parts, info, transport, addresses, onFailed: (error) => stopping.resolve(asError(error)) });
  const { engine, node, attempts, glimpses, backups, opening, terminals, states, approvals, budgets } = wired;
  const sealing = new Sealing({ store: parts.store, after: info.sealAfter });
  const retention = new RefRetention({ ...parts, log: o.log });
  closers.add(() => backups.close());
  closers.add(() => sealing.close());
  closers.add(() => retention.close());
  closers.add(() => transport.close());
  // After the attempts, which would take a session that closes for an agent that ended.
  closers.add(() => terminals.close());
  closers.add(() => states.close());
  closers.add(() => approvals.close());
  closers.add(() => wired.fleet?.close());
  closers.add(() => {
    attempts.detach();
    glimpses.close();
    engine.leave();
    engine.close();
  });
  terminals.start();
  approvals.start();
  wired.mail.start(node, closers);
  wired.market.start(node, closers);
  budgets.start();
  wired.boxDesk.holdGivenUp();
  wired.turns.start(closers);
  engine.boot();
  node.onArrivals((arrivals) => {
    sealing.look();
    retention.arrived(arrivals);
  });
  for (const one of [sealing, retention]) one.look();
  const { publicKey } = parts.identity;
  const offered = o.offerAgents === true ? await installedTools(parts.drivers.tools()) : [];
  const tell = () => announce(node, { ...parts.info, addresses, publicKey, shellAgents: o.shellAgents ?? 0, offered });
  // Before any door opens: the first op of a log carries the key by which everybody verifies the rest. A node that first has to ask its peers has
  // written it long ago.
  const isOpen = node.standing().state !== 'comparing';
  if (isOpen) await tell();
  else
    void opening
      .whenOpen()
      .then(tell)
      .catch((error: unknown) => stopping.resolve(asError(error)));
  const http = await openDoors({ ...wired, o, parts, closers, stopping });
  await wired.fleet?.start();
  await engine.link();
  placeKnown(parts.store, info, transport);
  return running({ info, httpUrl: http.url.replace(/\/$/, ''), closers, stopping, parts, terminals, log: o.log });
}

/** Nodes of earlier lives are dialled again. */
function placeKnown(store: Parts['store'], { self }: NodeInfo, transport: MeshTransport): void {
  for (const row of store.list('node', { limit: KNOWN_NODES_MAX })) {
    const isGone = row.id === self || row.replacedBy !== undefined || row.excluded !== undefined;
    if (!isGone) transport.place(row.id, row.addresses);
  }
}

/** Of an agent whose node was started without its cluster. */
const NO_FLEET: Lack = { why: 'walltime', text: 'its node was started without --slurm' };

const settingsOf = (o: NodeOptions, { store, memory }: Parts, fleet: () => HostedFleet | undefined): CoreSettings => ({
  votersMax: 5,
  fullLinksMax: o.fullLinksMax ?? FULL_LINKS_MAX,
  leaseMs: o.leaseMs ?? LEASE_MS,
  aloneAfterMs: o.aloneAfterMs,
  preferRated: o.preferRated,
  hasPath,
  hasProject: hasProjectIn(store),
  maxAgents: o.maxAgents,
  maxAgentsOf: o.maxAgentsOf,
  messagesPerMinute: o.messagesPerMinute,
  lacksFor: (agent, taken) => {
    const cluster = fleet();
    if (agent.registered.worker !== undefined) return cluster === undefined ? NO_FLEET : cluster.lacksFor(agent);
    // What works elsewhere takes nothing here.
    const text = memory.lacksFor(
      agent,
      taken.filter((one) => one.agent.registered.worker === undefined),
    );
    return text === undefined ? undefined : { why: 'memory', text };
  },
  lacksTimeFor: (agent, task) => fleet()?.lacksTimeFor(agent, task),
});

type Wiring = {
  o: NodeOptions;
  parts: Parts;
  info: NodeInfo;
  transport: MeshTransport;
  addresses: readonly string[];
  onFailed: (error: unknown) => void;
};

function wire({ o, parts, info, transport, addresses, onFailed }: Wiring) {
  const { store, blobs, workspaces, identity, secret, transcripts } = parts;
  const journal = new Journal(store, o.log);
  const glimpses = new Glimpses(transport);
  const engine = new Engine({
    self: info.self,
    store,
    transport,
    crypto: nodeCrypto(identity),
    settings: settingsOf(o, parts, () => agents.fleet),
    onAction: (action) => act(action),
    onArrivals: (arrivals) => {
      learnAddresses(arrivals, transport, info.self);
      journal.arrived(arrivals);
      intake.onArrivals(arrivals);
      for (const one of [terminals, approvals, budgets, turns, node]) one.arrived(arrivals);
    },
    onPresence: () => node.presenceChanged(),
    onGlimpse: (from, frame) => glimpses.onFrame(from, frame),
    onLink: (link) => {
      journal.linked(link);
      glimpses.onLinkUp(link.node);
      intake.collectAll();
    },
    onUnlink: (one, reason) => journal.unlinked(one, reason),
    onFailed,
  });
  const remote = new Remote({ core: engine.core, clock: realClock, kick: () => engine.kick() });
  const transfer = new BlobTransfer(blobs, remote);
  const sources = new Sources({ self: info.self, store, workspaces, blobs, transfer, remote });
  const keeping = { self: info.self, store, workspaces, sources, blobs, transfer, remote, transcripts };
  const intake = new Intake(keeping);
  const texts = textsAndDelivery({ node: () => node, opening: () => opening, intake });
  const work = new DeliveredWork({ ...keeping, intake, append: texts.append });
  const agents = agentsOf({ o, parts, engine, keeping, glimpses, texts });
  const { terminals, attempts, approvals, budgets, turns } = agents;
  const act = (action: Exclude<Action, { kind: 'keepLinks' }>): void => {
    if (action.kind === 'serve') return remote.answer(action.call);
    if (action.kind === 'alarm') return o.log(`ALARM ${action.text}`);
    if (action.kind === 'unlink' || action.kind === 'excluded') endLink(action, transport);
    else if (action.kind === 'checked') opening.open();
    else if (action.kind === 'member') journal.member(action.node, action.state);
    else attempts.act(action);
    node.presenceChanged();
  };
  const opening = new Opening(engine.core, journal);
  const backups = new Backups({ info, stateDir: parts.stateDir, store, blobs, workspaces });
  const mail = mailOf({ ...keeping, ...texts, engine, clock: realClock, opening, log: o.log });
  const node = new HostedNode({
    messages: mail.messages,
    ...keeping,
    ...agents,
    info,
    core: engine.core,
    loop: engine.loop,
    clock: realClock,
    transport,
    glimpses,
    outputs: new Outputs({ ...keeping, core: engine.core, attempts, terminals }),
    work,
    backups,
    opening,
    tools: parts.drivers.tools(),
    joinCode: () => joinCodeOf({ secret, addresses }),
  });
  return { engine, node, mail, glimpses, backups, opening, ...agents };
}

function endLink(action: Extract<Action, { kind: 'unlink' | 'excluded' }>, transport: MeshTransport): void {
  if (action.kind === 'unlink') transport.drop(action.node, action.why);
  else transport.exclude(action.node);
}

function running(r: {
  info: NodeInfo;
  httpUrl: string;
  closers: Closers;
  stopping: PromiseWithResolvers<Error | undefined>;
  parts: Parts;
  terminals: TerminalAgents;
  log: (line: string) => void;
}): RunningNode {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= r.closers
      .closeAll((error) => r.log(`closing: ${asError(error).message}`))
      .then(() => r.stopping.resolve(undefined)));
  let ending: Promise<void> | undefined;
  // The node first: while it goes on, it takes whatever is free, and each agent that is ended makes room for the next.
  const stopHolder = (): Promise<void> =>
    (ending ??= close().then(async () => {
      await Promise.all([r.terminals.stopAgents(), r.parts.runtime.stop(KILL_GRACE_MS)]);
    }));
  // A node whose disk failed must not go on: it closes what it still can.
  void r.stopping.promise.then((error) => (error === undefined ? undefined : close()));
  return {
    info: r.info,
    httpUrl: r.httpUrl,
    close,
    stopHolder,
    closed: r.stopping.promise,
  };
}

/** A task's plain path counts only where it is a directory. */
const hasPath = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** A project is cloned or brought up to date when an attempt needs it: from its URL, or from the node where its folder is. */
const hasProjectIn =
  (store: Parts['store']) =>
  (id: OpId, isReachable: (node: NodeId) => boolean): boolean => {
    const project = store.get('project', id);
    if (!isLiveProject(project)) return false;
    return isUrl(project.registered.origin) || isReachable(project.registered.node);
  };

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
