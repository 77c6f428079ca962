/** The account that a bank transfer goes to, each way to address it as lines to copy. */
export interface TransferAccount {
  currency: string;
  accounts: { label: string; value: string }[][];
}

export function TransferLines({ transfer }: { transfer: TransferAccount }) {
  return (
    <>
      {transfer.accounts.map((lines, index) => (
        <dl class="facts" key={index}>
          {lines.map(({ label, value }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        </dl>
      ))}
    </>
  );
}
