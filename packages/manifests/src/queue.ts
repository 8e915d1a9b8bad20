/** The name of the queue that somebody names or gives the URL of; both are common. */
export function queueName(nameOrUrl: string): string {
  return nameOrUrl.replace(/\/+$/, "").replace(/^.*\//, "");
}

/** The region that an SQS queue's URL is in; undefined where it does not tell, as a bare name and an emulator's address do not. */
export function queueRegion(nameOrUrl: string): string | undefined {
  const { hostname = "" } = URL.parse(nameOrUrl) ?? {};
  const [, regular, legacy] =
    /(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.|api\.)?(?:amazonaws|aws)\.|^([a-z0-9-]+)\.queue\.amazonaws\./.exec(
      hostname,
    ) ?? [];
  return regular ?? legacy;
}
