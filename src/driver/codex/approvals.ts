import type { PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { approvalOf, type Approval } from './approval.ts';
import type { Change, Item, RequestId, ServerRequest } from './messages.ts';

/** What Codex asks in a turn, each until it is answered or void. */
export class Approvals {
  readonly #cwd: string;
  readonly #open = new Map<string, { id: RequestId; approval: Approval }>();
  readonly #changes = new Map<string, readonly Change[]>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  get size(): number {
    return this.#open.size;
  }

  /** An item tells what it would change before it asks. */
  note({ id, changes }: Item): void {
    if (changes !== undefined) this.#changes.set(id, changes);
  }

  /** Undefined: no question for people. */
  ask(request: ServerRequest): PermissionRequest | undefined {
    const approval = approvalOf(request, { cwd: this.#cwd, changes: (item) => this.#changes.get(item) ?? [] });
    if (approval !== undefined) this.#open.set(approval.permission.request, { id: request.id, approval });
    return approval?.permission;
  }

  /** Undefined: it is void, or answered already. */
  answer(request: string, answer: PermissionAnswer): { id: RequestId; tool: string; result: object } | undefined {
    const open = this.#open.get(request);
    if (open === undefined) return undefined;
    this.#open.delete(request);
    return { id: open.id, tool: open.approval.permission.tool, result: open.approval.decide(answer) };
  }

  /** The question that Codex itself withdrew, by its number in this process. */
  withdraw(id: RequestId): string[] {
    const requests = [...this.#open].flatMap(([request, open]) => (open.id === id ? [request] : []));
    for (const request of requests) this.#open.delete(request);
    return requests;
  }

  /** The turn is over. */
  withdrawAll(): string[] {
    const requests = [...this.#open.keys()];
    this.#open.clear();
    this.#changes.clear();
    return requests;
  }
}
