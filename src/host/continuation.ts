/** An attempt that was cut off with its allocation leaves commits, and the next one of its task begins with them, wherever it runs. */
import { holderOf } from '#core/view/chain.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { OpId } from '#core/brand.ts';
import type { BlobStore, OpStore } from '#ports.ts';
import type { PrepareRequest } from '#workspace/prepare.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AttemptPlan, AttemptWorkspaces } from './attempt-plan.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import { isRefusal } from './remote.ts';

export type ContinuationOptions = {
  store: Pick<OpStore, 'get'>;
  workspaces: Workspaces;
  blobs: BlobStore;
  transfer: BlobTransfer;
  log: (line: string) => void;
};

export class Continuation {
  readonly #o: ContinuationOptions;

  constructor(o: ContinuationOptions) {
    this.#o = o;
  }

  /** The same places to work, but that one begins where the attempt before it was cut off. */
  get workspaces(): AttemptWorkspaces {
    const { workspaces } = this.#o;
    return {
      prepare: (request) => this.#prepare(request),
      find: (id) => workspaces.find(id),
      deliver: (prepared) => workspaces.deliver(prepared),
      discard: (path) => workspaces.discard(path),
      agentEnvironment: (prepared) => workspaces.agentEnvironment(prepared),
      salvageAndRemove: (prepared) => workspaces.salvageAndRemove(prepared),
    };
  }

  /** Empty where no earlier attempt was cut off. */
  wordsFor({ task, attempt }: AttemptPlan): string {
    if (this.#cutOff(task, attempt) === undefined) return '';
    return 'An earlier attempt at this was cut off when its allocation ended. Its commits are in your folder (git log): look at what is done, and go on from there.\n\n';
  }

  /** Of the newest attempt before this one that was cut off. */
  #cutOff(task: OpId, attempt: number): EndValue | undefined {
    const ends = Object.values(this.#o.store.get('task', task)?.ends ?? {}).map(({ value }) => value);
    return ends
      .filter((value) => value.attempt < attempt && value.reason === 'walltime')
      .toSorted((a, b) => b.attempt - a.attempt)[0];
  }

  async #prepare(request: PrepareRequest): ReturnType<AttemptWorkspaces['prepare']> {
    const { store, workspaces, blobs, transfer, log } = this.#o;
    const answer = await workspaces.prepare(request);
    if (isRefusal(answer) || answer.found || answer.prepared.kind !== 'worktree') return answer;
    const cut = this.#cutOff(request.task, request.attempt);
    const row = store.get('task', request.task);
    const work = cut?.work ?? null;
    if (cut === undefined || work === null || row?.created === undefined) return answer;
    request.onStatus?.(`Going on with attempt ${cut.attempt}: ${work.commits} commits`);
    const before = holderOf(row, cut.attempt)?.value.node;
    const missing = await transfer.ensure(work.bundle, [
      ...row.created.voters,
      ...(before === undefined ? [] : [before]),
    ]);
    const bundlePath = missing === undefined ? await blobs.path(work.bundle) : undefined;
    const failed =
      bundlePath === undefined
        ? missing
        : await workspaces.advance({ prepared: answer.prepared, bundlePath, head: work.head });
    // The work is still where it was; this attempt begins anew.
    if (failed !== undefined) log(`attempt ${request.attempt} of ${request.task} begins anew: ${failed.message}`);
    return answer;
  }
}
