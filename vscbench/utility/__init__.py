"""What a calibration method costs in helpfulness: questions with known answers, and grading."""
