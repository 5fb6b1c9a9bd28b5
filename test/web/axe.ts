/** What axe finds on a page that is open; its policy must be let by (`bypassCSP`), since axe is put into it as a script. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { z } from 'zod';

const path = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const found = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.looseObject({ html: z.string() })) }),
);

/** What is serious or critical: the rule, and the first element that breaks it. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(path, 'utf8'));
  const violations = found.parse(await page.evaluate('axe.run().then(({ violations }) => violations)'));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
}
