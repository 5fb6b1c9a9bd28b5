/**
 * Conversations of attempts that are over, gone on with by a person: in a terminal that skep holds, as an agent of its own, or in the person's.
 * While an attempt runs, its protocol writes the conversation, and nobody else does.
 */
import { hostname, userInfo } from 'node:os';
import { z } from 'zod';
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import { nodePrincipal, parsedPrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { Conversations, OpenedConversation, OpenRequest, TranscriptOf } from '#core/transcript.ts';
import type { LiveAgent, OpenedAttempt } from '#core/view/agent.ts';
import { isBoxed, isLive } from '#core/view/agent.ts';
import { holderOf, taskChain } from '#core/view/chain.ts';
import type { TaskCreated } from '#core/view/task.ts';
import { shellWord } from '#driver/tmux/tool.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { AttemptName, TranscriptFile } from '#store/transcripts.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AgentHomes } from './agent-homes.ts';
import { atAttemptHome } from './at-home.ts';
import { laidAgain } from './earlier-place.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';
import type { TerminalAgents } from './terminal-agents.ts';

/** Its worktree is made anew first. */
const OPEN_DEADLINE_MS = 60_000;
/** Terminals of one node that are open. */
const AGENTS_MAX = 1_000;
const NAME_MAX_CHARS = 40;

/** How the tools that are driven by their protocol go on with a conversation in a terminal. */
const RESUMED: Readonly<Record<string, (conversation: string) => string>> = {
  claude: (conversation) => `claude --resume ${conversation}`,
  codex: (conversation) => `codex resume ${conversation}`,
  opencode: (conversation) => `opencode --session ${conversation}`,
};
/** It becomes a word of a command line. */
const NAME = /^[A-Za-z0-9][\w.-]{0,39}$/;

const openParams = z.object({
  task: opIdSchema,
  attempt: z.number().int().min(1).max(20),
  by: z.string().max(200).transform(parsedPrincipal),
  terminal: z.enum(['held', 'own']),
});
const openAnswer: z.ZodType<OpenedConversation> = z.object({
  agent: opIdSchema.nullable(),
  command: z.array(z.string()),
  host: z.string(),
  user: z.string(),
  ssh: z.string().nullable(),
});

type OpenedConversationsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  remote: Remote;
  transcripts: TranscriptFile;
  workspaces: Pick<Workspaces, 'prepare' | 'find' | 'salvageAndRemove'>;
  homes: Pick<AgentHomes, 'of'>;
  terminals: () => Pick<TerminalAgents, 'place' | 'attach' | 'get' | 'restart'>;
  /** Whether that attempt has files here yet. */
  isAtWork: (of: AttemptName) => boolean;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  whenOpen: () => Promise<void>;
  ssh: string | undefined;
  log: (line: string) => void;
};

/** What is gone on with: who had it, the line that does it, and where. */
type Found = { of: AttemptName; created: TaskCreated; agent: LiveAgent; line: string; folder: string };

export class OpenedConversations implements Conversations {
  readonly #o: OpenedConversationsOptions;
  /** Of one conversation, one is opened at a time. */
  readonly #opening = new Map<string, Promise<OpenedConversation | Refusal>>();
  readonly #ending = new Set<OpId>();

  constructor(o: OpenedConversationsOptions) {
    this.#o = o;
    o.remote.serve('task.open', openParams, ({ task, attempt, ...how }) => this.#openHere({ task, attempt }, how));
  }

  async openConversation(of: TranscriptOf, how: OpenRequest): Promise<OpenedConversation | Refusal> {
    return atAttemptHome(of, this.#o, {
      here: (name) => this.#openHere(name, how),
      method: 'task.open',
      params: how,
      deadlineMs: OPEN_DEADLINE_MS,
      answer: openAnswer,
    });
  }

  /** The program of such an agent has ended well: its person is done with it. */
  async ended(agent: OpId): Promise<void> {
    if (this.#ending.has(agent)) return;
    this.#ending.add(agent);
    await this.#o.whenOpen();
    const by = nodePrincipal(this.#o.self);
    const done = await this.#o.append([{ entity: agent, by, body: { type: 'agent.deregistered' } }]);
    if (isRefusal(done)) this.#ending.delete(agent);
  }

  /** What stands in its place is kept as after an attempt, and the place goes. */
  async closed({ task, attempt }: OpenedAttempt): Promise<void> {
    const { workspaces, log } = this.#o;
    const found = await workspaces.find({ task, attempt });
    if (found === undefined || this.#o.isAtWork({ task, attempt })) return;
    const removed = await workspaces.salvageAndRemove(found);
    if (isRefusal(removed)) log(`the place of ${task}.${attempt} is kept: ${removed.message}`);
    else if (removed.state === 'kept') log(`${removed.path} is kept: ${removed.reason.message}`);
  }

  #openHere(of: AttemptName, { by, terminal }: OpenRequest): Promise<OpenedConversation | Refusal> {
    const key = `${of.task}.${of.attempt}`;
    const before = this.#opening.get(key) ?? Promise.resolve();
    const opened = before.then(() => this.#open(of, { by, terminal }));
    this.#opening.set(key, opened);
    void opened.finally(() => this.#opening.get(key) === opened && this.#opening.delete(key));
    return opened;
  }

  async #open(of: AttemptName, { by, terminal }: OpenRequest): Promise<OpenedConversation | Refusal> {
    const found = this.#find(of);
    if (isRefusal(found)) return found;
    const held = this.#heldFor(of);
    if (terminal === 'held') return held === undefined ? this.#hold(found, by) : this.#goOn(held);
    if (held === undefined) return this.#inOwn(found);
    return refusal('conflict', `it is open in a terminal already: skep agent attach ${held.registered.name}`, {
      expected: 'a conversation that nobody writes',
      got: held.id,
    });
  }

  #find(of: AttemptName): Found | Refusal {
    const { store, transcripts } = this.#o;
    const row = store.get('task', of.task);
    const grant = row === undefined ? undefined : holderOf(row, of.attempt);
    const agent = grant === undefined ? undefined : store.get('agent', grant.value.agent);
    if (row?.created === undefined || agent?.registered === undefined)
      return refusal('no_work', 'it is not known here which agent worked on it', { got: of.task });
    const { registered } = agent;
    if (registered.tmuxSessionId !== null)
      return refusal('not_supported', `it was in a terminal: skep agent attach ${registered.name}`, {
        expected: 'an attempt of an agent that is driven by its protocol',
        got: registered.tool,
      });
    const resumed = RESUMED[registered.tool];
    if (resumed === undefined || isBoxed(agent))
      return refusal('not_supported', 'its conversation cannot be gone on with in a terminal', {
        expected: `an agent outside of a box, of ${Object.keys(RESUMED).join(', ')}`,
        got: isBoxed(agent) ? `${registered.tool} in a box` : registered.tool,
      });
    const conversation = transcripts.find(of)?.conversation;
    if (conversation === null || conversation === undefined || !NAME.test(conversation.id))
      return refusal('no_work', 'its tool named no conversation, or its transcript was dropped', { got: of.task });
    const chain = taskChain(row);
    if ((chain.running !== undefined && chain.attempt === of.attempt) || this.#o.isAtWork(of))
      return refusal('conflict', 'its agent is at work in this conversation, which only one may write', {
        expected: 'an attempt that is over; until then: skep agent interrupt, skep agent steer',
        got: `attempt ${of.attempt}, ${chain.status}`,
      });
    if (registered.home === 'own' && !isLive(agent))
      return refusal('no_work', 'its agent was withdrawn, and its conversations lie in a home of its own');
    const held = { ...agent, registered, deregistered: false as const };
    return { of, created: row.created, agent: held, line: resumed(conversation.id), folder: conversation.folder };
  }

  #heldFor({ task, attempt }: AttemptName): LiveAgent | undefined {
    const where = { live: 1, node: this.#o.self };
    const live = this.#o.store.list('agent', { where, limit: AGENTS_MAX }).filter(isLive);
    return live.find(({ registered: { opens } }) => opens?.task === task && opens.attempt === attempt);
  }

  /** One whose program has ended is started anew. */
  async #goOn({ id }: LiveAgent): Promise<OpenedConversation | Refusal> {
    const terminals = this.#o.terminals();
    const refused = terminals.get(id)?.standing().state === 'exited' ? await terminals.restart(id) : undefined;
    if (refused !== undefined) return refused;
    const attach = await terminals.attach(id);
    return isRefusal(attach) ? attach : { agent: id, ...attach };
  }

  async #hold(found: Found, by: Principal): Promise<OpenedConversation | Refusal> {
    const { of, agent, line } = found;
    const { home, name } = agent.registered;
    const laid = await laidAgain(found, this.#o.workspaces);
    if (isRefusal(laid)) return laid;
    const { prepared } = laid;
    const wanted = { tool: line, drive: 'terminal' as const, projectPath: prepared.cwd, tmuxSessionId: null, home };
    const place = await this.#o.terminals().place(wanted);
    const body = {
      type: 'agent.registered' as const,
      name: `${name.slice(0, NAME_MAX_CHARS)}-session-${of.task.split('-').at(-1)}.${of.attempt}`,
      tool: line,
      capabilities: [],
      projectPath: prepared.cwd,
      maxConcurrentTasks: 1,
      ...(home === 'own' ? { home } : {}),
      opens: { agent: agent.id, ...of },
    };
    const made = isRefusal(place)
      ? place
      : await this.#o.append([{ entity: undefined, by, body: { ...body, ...place } }]);
    if (isRefusal(made)) {
      await this.#o.workspaces.salvageAndRemove(prepared);
      return made;
    }
    const [arrival] = made;
    if (arrival === undefined) throw new Error('an agent that was just registered is not there');
    const attach = await this.#o.terminals().attach(arrival.op.header.entity);
    return isRefusal(attach) ? attach : { agent: arrival.op.header.entity, ...attach };
  }

  /** A line for a shell of this machine. Nothing is made: the folder is empty where its worktree is gone. */
  #inOwn({ agent, line, folder }: Found): OpenedConversation {
    const env = Object.entries(this.#o.homes.of(agent, folder)?.env ?? {}).map(([name, value]) => `${name}=${value}`);
    const place = shellWord(folder);
    const prefix = env.length === 0 ? '' : `env ${env.map(shellWord).join(' ')} `;
    const command = ['sh', '-c', `mkdir -p ${place} && cd ${place} && exec ${prefix}${line}`];
    return { agent: null, command, host: hostname(), user: userInfo().username, ssh: this.#o.ssh ?? null };
  }
}
