/* dfpipe
version: 1
description: How engaged a customer was in the window, from 0 to 100, one row per customer.
key: [customer_id]
formula: |
  100 * ( 0.5 * purchases  / (purchases  +  2)
        + 0.3 * features   / (features   +  4)
        + 0.2 * page_views / (page_views + 30) )
checks:
  - not_null: [customer_id, engagement_score]
  - unique: [customer_id]
  - between: {column: engagement_score, min: 0, max: 100}
*/

-- The score adds up three habits: buying, using features, looking around.
--
-- Each habit x counts as x / (x + half): nothing at first, half of its weight when x = half, and ever
-- less for every further one. A customer with a thousand page views is not a thousand times as engaged.
--
-- To change what matters, change the numbers below (and the formula above, which the reports show):
--   * the weights say how much a habit counts; together they are 1, so that the score stays below 100;
--   * the halves say how much of a habit is "half way there"; a smaller one rewards the first steps more.
--
-- Example: 2 purchases, 4 features and 30 page views are half way in everything, so the score is 50.

with

customers as (
    -- Capped at the 99th percentile, see customers/capped_customers.sql.
    select * from capped_customers
),

scored as (
    select
        customer_id,
        engagement_score(
            purchases  => purchase_count_capped,
            features   => unique_features_used_capped,
            page_views => total_page_views_capped,

            purchase_weight  => 0.5,
            feature_weight   => 0.3,
            page_view_weight => 0.2,

            purchase_half  =>  2.0,
            feature_half   =>  4.0,
            page_view_half => 30.0
        ) as engagement_score
    from customers
)

select
    customer_id,
    round(engagement_score, 4) as engagement_score
from scored
