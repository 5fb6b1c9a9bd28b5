/** How long an executable of `skep compile` takes to start, beside the same Node.js with the same code: skep itself saying its version and its help. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileApp } from '../src/compile/compile.ts';
import { embeddedNode } from '../src/compile/runtime.ts';
import type { Report } from './figures.ts';
import { judgeRatio, median, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Starts of each a round, taking turns. */
const STARTS = 15;

export async function compiledStart(stage: Stage): Promise<Report> {
  execFileSync('bash', [join(ROOT, 'scripts/install-runtime.sh')], { stdio: 'pipe' });
  const node = await embeddedNode({});
  const output = join(stage.dir, 'skep');
  const { manifest, program } = await compileApp({
    dir: ROOT,
    output,
    entryPoint: 'bin/skep.mjs',
    appName: undefined,
    assets: [],
    filesOnly: false,
    values: {},
    nowMs: Date.now(),
    environment: {},
    onStep: (step) => stage.say(step),
  });
  const bundle = join(stage.dir, 'skep.mjs');
  writeFileSync(bundle, program);
  const env = { XDG_CACHE_HOME: join(stage.dir, 'cache'), HOME: stage.dir, PATH: process.env['PATH'] ?? '' };
  const start = (argv: readonly [string, ...string[]]): number => {
    const began = performance.now();
    execFileSync(argv[0], argv.slice(1), { env, stdio: 'ignore' });
    return performance.now() - began;
  };
  // The first start unpacks its files, for both of them; the second finds both programs in memory.
  const first = start([output, '--version']);
  for (const argv of [[output], [node.path, bundle]] satisfies [string, ...string[]][]) start([...argv, '--version']);
  const book = new SeriesBook();
  book.add('first start, unpacking its files', 'ms', first);
  for (let round = 1; round <= stage.rounds; round++) {
    const own: number[] = [];
    const plain: number[] = [];
    for (let n = 0; n < STARTS; n++) {
      own.push(start([output, '--version']));
      plain.push(start([node.path, bundle, '--version']));
    }
    book.add('executable', 'ms', median(own));
    book.add('node with the same bundle', 'ms', median(plain));
    stage.say(`round ${round}: executable ${median(own).toFixed(0)} ms, node ${median(plain).toFixed(0)} ms`);
  }
  return {
    name: 'compiled-start',
    about: `\`skep --version\`, from its start to its end, ${STARTS} times a round in turns: the executable that \`skep compile\` made of skep, and the Node.js that is in it with the same bundle as a file.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judgeRatio(
        'executable / node with the same bundle',
        book.need('executable'),
        book.need('node with the same bundle'),
        { atMost: 1.3 },
      ),
    ],
    versions: { 'embedded node': node.version },
    missing: [],
    notes: [`${(manifest.output_bytes / 2 ** 20).toFixed(0)} MiB, ${manifest.files.length} files to unpack.`],
  };
}
