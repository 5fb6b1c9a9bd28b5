/** A runtime whose processes are heard as well: what they print goes to the outbox as it comes, and to whoever drives them. */
import type { Proc, Runtime, WholeLine } from '#ports.ts';

type Hears = { line: (text: string) => void; error: (text: string) => void };

export function mirrored(runtime: Runtime, hears: Hears): Runtime {
  return {
    start: async (spec) => new MirroredProc(await runtime.start(spec), hears),
    attach: (id) => runtime.attach(id),
    exec: (argv, o) => runtime.exec(argv, o),
    forget: (id) => runtime.forget(id),
    close: () => runtime.close(),
  };
}

class MirroredProc implements Proc {
  readonly id: Proc['id'];
  readonly lines: AsyncIterable<string>;
  readonly errors: AsyncIterable<string>;
  readonly exited: Proc['exited'];
  readonly #proc: Proc;
  readonly #hears: Hears;

  constructor(proc: Proc, hears: Hears) {
    this.#proc = proc;
    this.#hears = hears;
    this.id = proc.id;
    this.exited = proc.exited;
    this.lines = heard(proc.lines, hears.line);
    this.errors = heard(proc.errors, hears.error);
  }

  whole(maxBytes: number): AsyncIterable<WholeLine> {
    return heard(this.#proc.whole(maxBytes), (line) => {
      if (line.kind === 'line') this.#hears.line(line.text);
    });
  }

  write(line: string): Promise<void> {
    return this.#proc.write(line);
  }

  written(): AsyncIterable<string> {
    return this.#proc.written();
  }

  kill(graceMs: number): ReturnType<Proc['kill']> {
    return this.#proc.kill(graceMs);
  }

  detach(): Promise<void> {
    return this.#proc.detach();
  }
}

/** Each is heard before it is handed on. */
async function* heard<T>(items: AsyncIterable<T>, hear: (item: T) => void): AsyncGenerator<T, void, undefined> {
  for await (const item of items) {
    hear(item);
    yield item;
  }
}
