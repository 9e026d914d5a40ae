/** A small bar from 0 to `max`, filled up to a value, with marks at other values. It repeats what a text says. */
export function Gauge({ value, max, marks }: { value: number; max: number; marks: readonly number[] }) {
  const scale = (amount: number) => (Math.min(amount, max) / max) * 100;
  return (
    <svg class="gauge" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect y="2" width="100" height="2" class="track" />
      <rect y="1" width={scale(value)} height="4" class="mark" />
      {marks.map((mark) => (
        <rect key={mark} x={Math.min(scale(mark), 99.4)} width="0.6" height="6" class="limit" />
      ))}
    </svg>
  );
}
