/** The mark: nine weights of one matrix, each as large as its value. */
const radii = [2.9, 1.7, 3.3, 1.4, 3.6, 2.2, 3.2, 2.5, 1.6];

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 28 28" width="28" height="28" aria-hidden="true">
      {radii.map((radius, at) => (
        <circle
          key={at}
          cx={5 + (at % 3) * 9}
          cy={5 + Math.floor(at / 3) * 9}
          r={radius}
          class={at === 4 ? 'mark-lit' : undefined}
        />
      ))}
    </svg>
  );
}

const paths = {
  sun: 'M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m11.4 0 1.4 1.4M4.9 4.9l1.4 1.4M16.5 12a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0Z',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z',
  auto: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Zm0 0v17',
  arrow: 'M5 12h14m-6-6 6 6-6 6',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  cross: 'M6 6l12 12M18 6 6 18',
  download: 'M12 4v11m-5-5 5 5 5-5M5 20h14',
  card: 'M3 7.5A1.5 1.5 0 0 1 4.5 6h15A1.5 1.5 0 0 1 21 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16.5v-9ZM3 10h18M6.5 14.5h4',
  chip: 'M7 7h10v10H7V7Zm3-4v4m4-4v4m-4 10v4m4-4v4M3 10h4m-4 4h4m10-4h4m-4 4h4',
  mail: 'M3 7a1.5 1.5 0 0 1 1.5-1.5h15A1.5 1.5 0 0 1 21 7v10a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17V7Zm.5-.3L12 13l8.500-6.300',
  seal: 'M12 3.5 14.3 5l2.7-.1 1 2.5 2.2 1.6-.7 2.6.7 2.6-2.2 1.6-1 2.5-2.7-.1-2.3 1.5-2.3-1.5-2.7.1-1-2.5L3.8 14.2l.7-2.6-.7-2.6L6 7.4l1-2.5 2.7.1L12 3.5Zm-3 8.5 2.2 2.2 4-4.4',
} as const;

export function Icon(props: { name: keyof typeof paths; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={props.size ?? 18} height={props.size ?? 18} aria-hidden="true">
      <path d={paths[props.name]} />
    </svg>
  );
}
