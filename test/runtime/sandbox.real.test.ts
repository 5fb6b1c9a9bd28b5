// Needs: bubblewrap
import { SandboxBoxes } from '#runtime/box/sandbox.ts';
import { boxContract, makeBoxHome } from '../contract/box.ts';
import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract } from '../contract/runtime.ts';

const boxes = new SandboxBoxes();

runtimeContract('sandbox', async () => makeBoxHome(boxes));
wholeLineContract('sandbox', async () => makeBoxHome(boxes));
boxContract(boxes);
