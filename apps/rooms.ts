import { CampaignsModule } from '#campaigns';
import { CatalogModule } from '#catalog';
import { DisbursementsModule } from '#disbursements';
import { IdentityModule } from '#identity';
import { LedgerModule } from '#ledger';
import { MatchingModule } from '#matching';
import { NodesModule } from '#nodes';
import { NotificationsModule } from '#notifications';
import { PaymentsModule } from '#payments';
import { PledgesModule } from '#pledges';
import { ProvenanceModule } from '#provenance';
import { ReconciliationModule } from '#reconciliation';
import { ReportsModule, StatementsModule } from '#reports';
import { TrainingModule } from '#training';
import { TransparencyModule } from '#transparency';

/** Every room with something to serve or to do; the API, the worker and the schema printer take the same list. */
export const ROOM_MODULES = [
  IdentityModule,
  TransparencyModule,
  LedgerModule,
  PaymentsModule,
  CatalogModule,
  CampaignsModule,
  NodesModule,
  PledgesModule,
  TrainingModule,
  ProvenanceModule,
  MatchingModule,
  DisbursementsModule,
  ReconciliationModule,
  ReportsModule,
  StatementsModule,
  NotificationsModule,
];
