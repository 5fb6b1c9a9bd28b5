/** What a runtime keeps for protocols, whose lines may be long. Run beside `runtimeContract`. */
import { expect, it } from 'vitest';
import type { WholeLine } from '#ports.ts';
import { linesOf, script, soon, TEST_LIMIT_MS, type RuntimeHome } from './runtime.ts';

export function wholeLineContract(name: string, makeHome: () => Promise<RuntimeHome>): void {
  it(
    `runtime: ${name} gives each line in one piece to whoever asks for that, up to a bound`,
    { timeout: TEST_LIMIT_MS },
    async () => {
      const home = await makeHome();
      const runtime = home.open();
      try {
        const long = (bytes: number): string => `head -c ${bytes} /dev/zero | tr '\\0' x; echo`;
        const proc = await runtime.start(script(`echo first; ${long(200_000)}; ${long(200_001)}; echo; printf last`));
        const all: WholeLine[] = [];
        const reading = (async () => {
          for await (const line of proc.whole(200_000)) all.push(line);
        })();
        await soon('the end of the output', reading);
        expect(all).toEqual([
          { kind: 'line', text: 'first' },
          { kind: 'line', text: 'x'.repeat(200_000) },
          { kind: 'too_long', bytes: 200_001 },
          { kind: 'line', text: '' },
          { kind: 'line', text: 'last' },
        ]);
        expect(await linesOf(proc.written())).toEqual([]);
      } finally {
        await runtime.close();
        await home.remove();
      }
    },
  );
}
