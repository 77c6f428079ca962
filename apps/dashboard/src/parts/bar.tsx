interface Layer {
  tone: string;
  from: number;
  to: number;
}

/** A bar to the goal. Percent coordinates in a plain SVG: no inline style, so the security policy can stay strict. */
export function Bar({ label, layers }: { label: string; layers: Layer[] }) {
  return (
    <svg class="bar" role="img" aria-label={label} width="100%" height="10">
      <rect class="bar-track" width="100%" height="10" />
      {layers
        .filter((layer) => layer.to > layer.from)
        .map((layer) => (
          <rect
            key={layer.tone}
            class={`bar-${layer.tone}`}
            x={`${layer.from}%`}
            width={`${layer.to - layer.from}%`}
            height="10"
          />
        ))}
    </svg>
  );
}
