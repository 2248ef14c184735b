/* dfpipe
version: 1
description: Everyone, as the API knows them.
key: [customer_id]
save_as: everyone.parquet
*/
select
    customer_id,
    email_hash,
    tier,
    lifetime_value,
    support_tickets,
    updated_at
from people
