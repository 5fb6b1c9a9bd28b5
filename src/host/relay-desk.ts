/** What the relay of a box needs of its node: where models are, what they may cost, and a line of the log for each request. */
import type { OpId } from '#core/brand.ts';
import { isLive } from '#core/view/agent.ts';
import type { Relayed } from '#door/relay/exchange.ts';
import type { RelayedAgent } from '#door/relay/relay.ts';
import { messageOf } from '#runtime/refusal.ts';
import type { OpStore } from '#ports.ts';
import type { Attempts } from './attempts.ts';
import type { Budgets } from './budgets.ts';
import type { ModelServices } from './model-services.ts';

const PATH_TOLD_CHARS = 100;

export type RelayDeskOptions = {
  store: Pick<OpStore, 'get'>;
  services: Pick<ModelServices, 'upstream'>;
  attempts: Pick<Attempts, 'ofAgent'>;
  budgets: Pick<Budgets, 'spending' | 'spendingOf'>;
  log: (line: string) => void;
  /** For the audit of ways out alone. */
  now: () => number;
};

export class RelayDesk {
  readonly #o: RelayDeskOptions;

  constructor(o: RelayDeskOptions) {
    this.#o = o;
  }

  of(agent: OpId): RelayedAgent {
    const { services, log, now } = this.#o;
    return {
      upstream: (service) => services.upstream(service),
      overBudget: () => this.#overBudget(agent),
      egress: () => this.#egressOf(agent),
      told: (relayed) => log(`${this.#nameOf(agent)} ${wordsOf(relayed, now())}`),
      onFault: (error) => log(`the relay of ${this.#nameOf(agent)} failed: ${messageOf(error)}`),
    };
  }

  #nameOf(agent: OpId): string {
    return this.#o.store.get('agent', agent)?.registered?.name ?? agent;
  }

  #egressOf(id: OpId): readonly string[] {
    const agent = this.#o.store.get('agent', id);
    return isLive(agent) ? (agent.box?.egress ?? []) : [];
  }

  #overBudget(id: OpId): string | undefined {
    const { attempts, budgets, store } = this.#o;
    const plan = attempts.ofAgent(id)?.plan;
    const agent = store.get('agent', id);
    if (!isLive(agent)) return 'this agent was withdrawn';
    const spending = plan === undefined ? budgets.spendingOf(agent) : budgets.spending(plan);
    return spending.kind === 'over' ? spending.text : undefined;
  }
}

/** `POST /v1/messages: 200, 1204 bytes out, 5310 in, 812 ms`; of a way out also when it ended. */
function wordsOf(
  { method, path, status, sentBytes, receivedBytes, tookMs, address, refused }: Relayed,
  endedMs: number,
): string {
  const told = /^[!-~]*$/.test(path) ? path.slice(0, PATH_TOLD_CHARS) : JSON.stringify(path.slice(0, PATH_TOLD_CHARS));
  const end = status === 0 ? 'gone before the answer' : String(status);
  const where = address === undefined ? '' : ` (${address})`;
  const when = address === undefined && refused === undefined ? '' : `, ended ${new Date(endedMs).toISOString()}`;
  const why = refused === undefined ? '' : ` refused: ${refused}`;
  return `asked through its relay: ${method} ${told}${where}: ${end}${why}, ${sentBytes} bytes out, ${receivedBytes} in, ${tookMs} ms${when}`;
}
