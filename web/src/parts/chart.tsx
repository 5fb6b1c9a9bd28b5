/** Lines over time. Comes with its library when it is first shown. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export type Line = { name: string; values: readonly number[]; color: string; isFilled?: boolean };
/** `least`: what the scale shows at least, so that nothing is drawn as nothing. */
type Props = { times: readonly number[]; lines: readonly Line[]; least: number; format: (value: number) => string };

const HEIGHT_PX = 120;

/** A colour of the page, as it is now in light or dark. */
const colorOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const dataOf = ({ times, lines }: Props): uPlot.AlignedData => [[...times], ...lines.map(({ values }) => [...values])];

function optionsOf({ lines, least, format }: Props, width: number): uPlot.Options {
  const axis = {
    stroke: colorOf('--muted'),
    font: '11px Inter Variable, system-ui, sans-serif',
    grid: { stroke: colorOf('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 20, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(least, most) * 1.1] } },
    axes: [
      { ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 56, space: 28, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))) },
    ],
    series: [
      {},
      ...lines.map(({ name, color, isFilled }) => ({
        label: name,
        stroke: colorOf(color),
        width: 1.5,
        points: { show: false },
        ...(isFilled === true ? { fill: `color-mix(in srgb, ${colorOf(color)} 18%, transparent)` } : {}),
      })),
    ],
  };
}

/** In the reader's own time zone; a day where it begins. */
function clock(seconds: number): string {
  const at = new Date(seconds * 1_000);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  return isMidnight
    ? at.toLocaleDateString([], { month: 'short', day: 'numeric' })
    : at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
}

export function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
    plot.current?.setData(dataOf(props));
  });
  useEffect(() => {
    const place = box.current;
    if (place === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(latest.current, place.clientWidth), dataOf(latest.current), place);
    };
    draw();
    const fit = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height: HEIGHT_PX }));
    fit.observe(place);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', draw);
    const chosen = new MutationObserver(draw);
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      fit.disconnect();
      system.removeEventListener('change', draw);
      chosen.disconnect();
      plot.current?.destroy();
    };
  }, []);
  return <div ref={box} aria-hidden className="w-full overflow-hidden" style={{ height: HEIGHT_PX }} />;
}
