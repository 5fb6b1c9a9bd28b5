/** The page: one stream of events in, at most one drawing a frame out. */
import { chosenId, detailChanged, drawDetail, openFromAddress } from './detail.js';
import { connect, onChange } from './model.js';
import { drawAgents, drawHead, drawLog, drawNodes, drawProjects } from './swarm.js';
import { drawProjectChoice, drawTasks, startTasks } from './tasks.js';

/** Ages such as "2 min ago" are written anew so often. */
const AGES_MS = 30_000;

let isDue = false;

/** Draws everything that changed, once, before the next frame. */
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    drawHead();
    drawTasks(chosenId());
    drawAgents(chosenId());
    drawNodes();
    drawProjects();
    drawProjectChoice();
    drawLog();
    drawDetail();
  });
}

onChange((event, data) => {
  draw();
  detailChanged(event, data);
});
startTasks((id) => {
  location.hash = `#task/${id}`;
}, draw);
window.addEventListener('hashchange', () => {
  openFromAddress();
  draw();
});
window.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && chosenId() !== undefined) location.hash = '#';
});
setInterval(draw, AGES_MS);
openFromAddress();
connect();
