/** What a person reads in a node's log: links and the decisions of tasks, one line each. */
import type { BootStanding } from '#core/boot-check.ts';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import type { MemberState } from '#core/schema/frame.ts';
import type { Arrival, LinkInfo, OpStore } from '#ports.ts';

/** Arrivals told one by one; a catch-up after a long absence is told as a number. */
const TOLD_MAX = 50;

export class Journal {
  private readonly store: Pick<OpStore, 'get'>;
  private readonly log: (line: string) => void;

  private wasAlone = false;

  constructor(store: Pick<OpStore, 'get'>, log: (line: string) => void) {
    this.store = store;
    this.log = log;
  }

  /** The check after the start came to something. Where nothing had to be asked, nothing is told. */
  checked({ state, awaited }: BootStanding): void {
    const names = awaited.map((node) => this.nodeName(node)).join(', ');
    if (state === 'alone')
      this.log(
        `too few peers answered (away: ${names}): until they do, only tasks are decided that depend on this node alone`,
      );
    else if (this.wasAlone) this.log('the peers hold nothing of this node that is not here: it votes again');
    this.wasAlone = state === 'alone';
  }

  linked(link: LinkInfo): void {
    this.log(`linked with ${this.nodeName(link.node)} (${link.address})`);
  }

  unlinked(node: NodeId, reason: string): void {
    this.log(`link with ${this.nodeName(node)} ended: ${reason}`);
  }

  member(node: NodeId, state: MemberState): void {
    this.log(`${this.nodeName(node)} (${node.slice(0, 8)}) is ${state === 'left' ? 'gone: it was stopped' : state}`);
  }

  arrived(arrivals: readonly Arrival[]): void {
    if (arrivals.length > TOLD_MAX) {
      this.log(`${arrivals.length} ops arrived`);
      return;
    }
    for (const { op } of arrivals) {
      const line = this.tell(op);
      if (line !== undefined) this.log(line);
    }
  }

  private tell({ body, header }: Op): string | undefined {
    const task = `task ${short(header.entity)}`;
    switch (body.type) {
      case 'task.created':
        return `${task} created at ${this.nodeName(header.node)}: ${body.title.slice(0, 80)}`;
      case 'task.granted':
        return `${task}, attempt ${body.value.attempt} given to ${this.agentName(body.value.agent)} on ${this.nodeName(body.value.node)}`;
      case 'task.ended': {
        const { kind, reason, work } = body.value;
        const commits = work === null ? '' : `, ${work.commits} commits delivered`;
        return `${task} ${kind}${reason === null ? '' : ` (${reason})`}${commits}`;
      }
      case 'task.reported':
        return `${task}: an end reported by ${this.nodeName(header.node)}, ${body.value.kind}`;
      case 'agent.registered':
        return `agent ${body.name} (${body.tool}) registered on ${this.nodeName(header.node)}`;
      case 'approval.requested':
        return `agent ${this.agentName(body.agent)} on ${this.nodeName(header.node)} asks: ${body.title.slice(0, 80)}`;
      case 'approval.decided':
        return `${this.asked(header.entity)} was ${body.decision === 'allow' ? 'allowed' : 'denied'} by ${body.rule === null ? header.by : 'a rule'}`;
      case 'node.replaced':
        return `node ${header.node.slice(0, 8)} was made from a backup of ${this.nodeName(body.old)} (${body.old.slice(0, 8)}) and replaces it`;
      case 'node.revoked':
      case 'node.retired':
        return `${this.nodeName(body.node)} (${body.node.slice(0, 8)}) was ${body.type.slice(5)} by ${header.by}: its log counts up to ${body.lastSeq}`;
      case 'log.forked':
        return `the log of ${this.nodeName(body.node)} has forked at ${body.seq}`;
      default:
        return undefined;
    }
  }

  private asked(id: OpId): string {
    const agent = this.store.get('approval', id)?.requested?.agent;
    return `what ${agent === undefined ? 'an agent' : this.agentName(agent)} asked (${short(id)})`;
  }

  private nodeName(node: NodeId): string {
    const name = this.store.get('node', node)?.name ?? '';
    return name === '' ? node.slice(0, 8) : name;
  }

  private agentName(agent: OpId): string {
    return this.store.get('agent', agent)?.registered?.name ?? short(agent);
  }
}

/** As people see ids everywhere: the first 8 digits of the node, and the number. */
const short = (id: OpId): string => id.replace(/^([0-9a-f]{8})[0-9a-f]*/, '$1');
