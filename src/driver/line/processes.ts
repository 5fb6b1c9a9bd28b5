import type { ProcId } from '#core/brand.ts';
import { parsedProcId } from '#core/brand.ts';
import type { Proc, Runtime } from '#ports.ts';

/** Processes of one session: the tool is started again where it died. It bounds the search for the newest one after a restart. */
export const PROCESSES_MAX = 100;

/** The first process of a session has its name, the others are numbered. */
export const processId = (session: ProcId, number: number): ProcId =>
  number === 1 ? session : parsedProcId(`${session}-p${number}`);

/** The newest process of a session, running or ended; undefined where the runtime has no trace of it. */
export async function newestProcess(
  session: ProcId,
  runtime: Runtime,
): Promise<{ proc: Proc; number: number } | undefined> {
  let newest: { proc: Proc; number: number } | undefined;
  for (let number = 1; number <= PROCESSES_MAX; number += 1) {
    const proc = await runtime.attach(processId(session, number));
    if (proc === undefined) break;
    await newest?.proc.detach();
    newest = { proc, number };
  }
  return newest;
}
