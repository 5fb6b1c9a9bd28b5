/** Each row of AgentChat's protocol that the hub speaks, as the frames of a fixture: what clients say, and all they hear, whole and in order. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FRAMES } from '#door/hub/frames.ts';
import { MARKET_FRAMES } from '#door/hub/market-frames.ts';
import { Stage } from './golden-stage.ts';
import { HubRig } from './hub-rig.ts';

const text = readFileSync(new URL('golden.txt', import.meta.url), 'utf8');
const scenes = text
  .split(/^# /m)
  .slice(1)
  .map((scene) => {
    const [title = '', ...lines] = scene.trim().split('\n');
    return { title, lines: lines.filter((line) => line !== '') };
  });

describe('a client of AgentChat', () => {
  let rig: HubRig;
  beforeEach(async () => (rig = await HubRig.start()));
  afterEach(() => rig.close());

  it.each(scenes)('$title', async ({ lines }) => {
    const stage = new Stage(rig);
    for (const line of lines) await stage.play(line);
    expect(rig.faults).toEqual([]);
  });
});

it('the fixture has every frame of a client but those of the market and of skep alone', () => {
  const others = new Set([...Object.keys(MARKET_FRAMES), 'MODERATE', 'SEARCH_MESSAGES']);
  const wanted = Object.keys(FRAMES).filter((name) => !others.has(name));
  expect(wanted.filter((name) => !text.includes(`> {"type":"${name}"`))).toEqual([]);
});
