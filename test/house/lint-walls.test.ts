import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));
const report = z.object({
  diagnostics: z.array(z.object({ code: z.string(), help: z.string().optional(), filename: z.string() })),
});

/** One file a case: where it stands, the import it tries, and a piece of the advice that must answer. */
const refused = [
  { file: 'src/core/clock.ts', text: "import { hrtime } from 'node:process';", help: 'Take time' },
  { file: 'src/core/view/row.ts', text: "import { x } from '../../store/memory.ts';", help: 'The core is pure' },
  { file: 'src/core/parse.ts', text: "import fastify from 'fastify';", help: 'only core and zod' },
  { file: 'src/ports.ts', text: "import type { Duplex } from 'node:stream';", help: 'Ports are interfaces' },
  { file: 'src/store/sqlite.ts', text: "import { x } from '#fabric/link.ts';", help: 'Adapters know only core' },
  { file: 'src/fabric/link.ts', text: "import { x } from '#host.ts';", help: 'Adapters know only core' },
  { file: 'src/runtime/holder.ts', text: "import { x } from '#driver/shell.ts';", help: 'Adapters know only core' },
  { file: 'src/driver/shell.ts', text: "import { x } from '#workspace/git.ts';", help: 'Adapters know only core' },
  { file: 'src/workspace/git.ts', text: "import { x } from '../door/http.ts';", help: 'Adapters know only core' },
  { file: 'src/door/http.ts', text: "import { x } from '#store/sqlite.ts';", help: 'Adapters know only core' },
  { file: 'src/slurm/worker.ts', text: "import { x } from '#host/engine.ts';", help: 'A worker runs on a compute' },
  { file: 'src/sim/world.ts', text: "import { x } from '#store/sqlite.ts';", help: 'The simulator runs' },
  { file: 'src/cli/task.ts', text: "import { x } from '#core/task.ts';", help: 'A verb speaks HTTP' },
];

const allowed = [
  { file: 'src/core/fine.ts', text: "import { z } from 'zod';\nimport { y } from '#core/store.ts';" },
  { file: 'src/door/fine.ts', text: "import { readFileSync } from 'node:fs';\nimport { y } from './store.ts';" },
  { file: 'src/cli/fine.ts', text: "import type { x } from '#core/task.ts';\nimport { y } from '#host.ts';" },
  { file: 'src/host/fine.ts', text: "import { x } from '#store/sqlite.ts';\nimport { y } from '#fabric/link.ts';" },
];

describe('the walls between the rooms', () => {
  let found: z.infer<typeof report>['diagnostics'] = [];
  const place = mkdtempSync(join(tmpdir(), 'skep-walls-'));

  beforeAll(async () => {
    for (const name of ['oxlint.config.ts', 'package.json', 'tsconfig.json'])
      cpSync(join(root, name), join(place, name));
    symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
    for (const { file, text } of [...refused, ...allowed]) {
      mkdirSync(dirname(join(place, file)), { recursive: true });
      writeFileSync(join(place, file), `${text}\n`);
    }
    const { stdout } = await execa(join(root, 'node_modules/.bin/oxlint'), ['--format=json'], {
      cwd: place,
      reject: false,
    });
    found = report.parse(JSON.parse(stdout)).diagnostics.filter((one) => one.code.includes('no-restricted-imports'));
  });

  afterAll(() => {
    rmSync(place, { recursive: true, force: true });
  });

  const adviceFor = (file: string): string[] =>
    found.filter((one) => one.filename === file).map((one) => one.help ?? '');

  it.each(refused)('$file may not: $text', ({ file, help }) => {
    expect(adviceFor(file).join('\n')).toContain(help);
  });

  it.each(allowed)('$file may: $text', ({ file }) => {
    expect(adviceFor(file)).toEqual([]);
  });
});
