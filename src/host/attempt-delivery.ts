/** What an attempt made, brought to where it is safe before anybody hears that it is done. */
import { createReadStream } from 'node:fs';
import type { Refusal } from '#core/refusal.ts';
import type { Work } from '#core/schema/body.ts';
import type { Prepared } from '#workspace/record.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { isRefusal } from './remote.ts';

/** The work as a bundle, on home before anybody hears that it is done. Undefined: nothing was changed. */
export async function deliverWork(
  { task, attempt, created }: AttemptPlan,
  prepared: Prepared,
  { workspaces, blobs, deliver }: Pick<AttemptTools, 'workspaces' | 'blobs' | 'deliver'>,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<Work | undefined | Refusal> {
  const delivery = await workspaces.deliver(prepared);
  if (isRefusal(delivery)) return { ...delivery, code: 'workspace' };
  for (const warning of delivery.warnings) say(warning.message);
  if (delivery.work === undefined) return undefined;
  const { hash, sizeBytes } = await blobs.put(createReadStream(delivery.bundlePath));
  await workspaces.discard(delivery.bundlePath);
  const work: Work = { ...delivery.work, bundle: hash, sizeBytes };
  say(`${work.commits} ${work.commits === 1 ? 'commit' : 'commits'} to ${created.home.slice(0, 8)}`);
  const refused = await deliver({ voters: created.voters, task, attempt, work }, signal);
  return refused ?? work;
}
