import { CreateAppraisals } from "./create-appraisals.ts";
import { CreateOutcome } from "./create-outcome.ts";
import { CreatePrediction } from "./create-prediction.ts";
import { CreatePredictions } from "./create-predictions.ts";
import { EraseRequest } from "./erase-request.ts";
import { ExportRequests } from "./export-requests.ts";
import { GetAlias } from "./get-alias.ts";
import { GetHealth } from "./get-health.ts";
import { GetMonitoring } from "./get-monitoring.ts";
import { GetReadiness } from "./get-readiness.ts";
import { GetReport } from "./get-report.ts";
import { GetRequest } from "./get-request.ts";
import { GetVersion } from "./get-version.ts";
import { ListAliasPeriods } from "./list-alias-periods.ts";
import { ListModels } from "./list-models.ts";
import { ListRequests } from "./list-requests.ts";
import { ListSimilarDiamonds } from "./list-similar-diamonds.ts";
import { ListVersions } from "./list-versions.ts";
import { MoveAlias } from "./move-alias.ts";
import { RemoveAlias } from "./remove-alias.ts";
import { WithdrawDiamond } from "./withdraw-diamond.ts";

/** The endpoints of the API, in the order of its documentation. */
export const ENDPOINTS = [
  CreatePrediction,
  CreatePredictions,
  ListSimilarDiamonds,
  CreateAppraisals,
  WithdrawDiamond,
  ListModels,
  ListVersions,
  GetVersion,
  GetReport,
  ListAliasPeriods,
  GetAlias,
  MoveAlias,
  RemoveAlias,
  CreateOutcome,
  ListRequests,
  ExportRequests,
  GetRequest,
  EraseRequest,
  GetMonitoring,
  GetHealth,
  GetReadiness,
] as const;
