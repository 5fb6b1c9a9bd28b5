/** The lines of `codeswarm.router.v1`. */
export const PROTOCOL = 'codeswarm.router.v1';

/** An event or an answer, as one line without its end. `nowMs`: since 1970. */
export function eventLine(event: string, data: Readonly<Record<string, unknown>>, nowMs: number): string {
  return JSON.stringify({ protocol: PROTOCOL, type: 'event', timestamp: new Date(nowMs).toISOString(), event, data });
}
