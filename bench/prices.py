"""List prices of AWS in us-east-1, in dollars, without any free tier.

From the price pages of each service, as of November 2026. Change them here and nowhere else.
"""

from typing import Final

PER_MILLION: Final = 1_000_000

# https://aws.amazon.com/lambda/pricing/ (arm64)
LAMBDA_REQUEST: Final = 0.20 / PER_MILLION
LAMBDA_GB_SECOND: Final = 0.0000133334
# https://aws.amazon.com/api-gateway/pricing/ (HTTP API)
GATEWAY_REQUEST: Final = 1.00 / PER_MILLION
# https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE_UNIT: Final = 0.625 / PER_MILLION
READ_UNIT: Final = 0.125 / PER_MILLION
TABLE_GB_MONTH: Final = 0.25
BACKUP_GB_MONTH: Final = 0.20
# https://aws.amazon.com/sqs/pricing/ (standard queues; 64 KB are one request)
QUEUE_REQUEST: Final = 0.40 / PER_MILLION
# https://aws.amazon.com/sns/pricing/
TOPIC_REQUEST: Final = 0.50 / PER_MILLION
# https://aws.amazon.com/s3/pricing/ (a PUT costs as much as a LIST, a HEAD as much as a GET)
BUCKET_LIST: Final = 5.00 / PER_MILLION
BUCKET_GET: Final = 0.40 / PER_MILLION
# https://aws.amazon.com/end-user-messaging/pricing/ (one part, without the carrier's fee)
SMS_UNITED_STATES: Final = 0.00581
# https://aws.amazon.com/cloudwatch/pricing/
ALARM_MONTH: Final = 0.10
METRIC_MONTH: Final = 0.30
LOG_GB: Final = 0.50
LOG_GB_MONTH: Final = 0.03

# What AWS gives every account each month for good.
FREE_LAMBDA_REQUESTS: Final = 1_000_000
FREE_LAMBDA_GB_SECONDS: Final = 400_000
FREE_QUEUE_REQUESTS: Final = 1_000_000
FREE_TOPIC_REQUESTS: Final = 1_000_000
FREE_ALARMS: Final = 10
FREE_METRICS: Final = 10
FREE_LOG_GB: Final = 5
FREE_TABLE_GB: Final = 25
