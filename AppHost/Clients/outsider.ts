// A program of somebody who knows the mesh by its documents alone: it is compiled with both kinds of clients.
import type { components, operations, paths } from "./challenges";
import type { paths as FundingPaths } from "./funding";
import { draftChallenge, listChallenges } from "./sdk/challenges";
import { listRows, readEvents } from "./sdk/funding";

type Draft = components["schemas"]["ChallengeRequest"];
type Page = paths["/{region}/challenges"]["get"]["responses"]["200"]["content"]["application/json"];
type Key = operations["draftChallenge"]["parameters"]["header"]["Idempotency-Key"];
type Row = FundingPaths["/{region}/funding/rows/{row}"]["get"]["responses"]["200"]["content"]["application/json"];

export const key: Key = "0190c0de-0000-7000-8000-000000000001";

export const draft: Draft = {
  title: "Ideje",
  description: "KKS in turizem",
  organiser: "RAS",
  row: "U3-P4",
  fiscalYear: 2022,
  pool: { amount: 1500000, currency: "EUR" },
  maxAwards: 5,
  deadline: "2030-01-01T00:00:00Z",
};

export function titles(page: Page): string[] {
  return page.items.map((challenge) => challenge.terms.title);
}

export function measure(row: Row): number {
  return row.measure;
}

export async function use(): Promise<string> {
  const path = { region: "gorenjska" };
  const drafted = await draftChallenge({ path, headers: { "Idempotency-Key": key }, body: draft });
  if (drafted.error !== undefined) return `${drafted.error.status}: ${drafted.error.detail}`;
  const open = await listChallenges({ path, query: { status: "open", pageSize: 100 }, throwOnError: true });
  const rows = await listRows({ path, throwOnError: true });
  const events = await readEvents({ path, query: { type: ["kki.funding.funds-paid.v1"] }, throwOnError: true });
  return `${drafted.data.id} ${open.data.total} ${rows.data.items[0]?.title} ${events.data.next}`;
}
